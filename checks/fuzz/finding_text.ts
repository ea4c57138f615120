/** How `deno task fuzz` tells of findings. */
import { counted } from "../../formats/counted.ts";
import type { Campaign, Finding } from "./campaign.ts";

/**
 * A finding in a line.
 *
 * @param path Where its input was written.
 */
export function findingText({ signature, count, bytes }: Finding, path: string): string {
  return `${signature} (${counted(count, "input")}; ${counted(bytes.length, "byte")}, ${path})`;
}

/** What came of it all. */
export function campaignText(
  { inputs, findings }: Campaign,
  { seed, seconds }: { seed: number; seconds: number },
): string {
  const found = findings.length === 0 ? "nothing was found" : counted(findings.length, "finding");
  return `${counted(inputs, "input")} in ${seconds.toFixed(0)} s (seed ${seed}): ${found}.`;
}
