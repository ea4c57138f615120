import type { Finding } from "./finding.ts";

/** A finding on a way in which a metric misleads. */
export function trap(severity: Finding["severity"], finding: string, evidence: string): Finding {
  return { topic: "metric trap", severity, finding, evidence };
}
