import type { Finding, Severity } from "./finding.ts";

/**
 * What comes first of several problems: numbers that are none, benchmarks whose mean tells nothing, or a run that
 * gains nothing more.
 */
const FIRST = ["not finite", "benchmarks", "plateau"];

/**
 * The findings of a run in one line: the gravest problem as it stands, and what else is one; without a
 * problem, what the score did, what the notes are about, and whether the law can be told.
 */
export function verdictOf(findings: readonly Finding[]): string {
  const problems = findings.filter(({ severity }) => severity === "problem");
  const [gravest, ...others] = gravestFirst(problems);
  if (gravest === undefined) {
    const find = (one: string) => findings.find(({ topic }) => topic === one);
    const score = find("performance");
    const notes = topicsOf(
      findings.filter(({ severity, topic }) => severity === "notice" && topic !== "performance"),
    );
    const about = notes.length === 0 ? "" : `; notes on ${notes.join(", ")}`;
    const isOpen = findings.some(({ topic, severity }) =>
      topic === "ceiling" && severity === "unknown"
    );
    const isOfMean = findings.some(({ topic, severity }) =>
      topic === "benchmark" && severity === "fine"
    );
    const open = isOpen
      ? `; the log does not tell the law${isOfMean ? " of the mean over its benchmarks" : ""}`
      : "";
    const course = score === undefined || score.severity === "unknown"
      ? ""
      : `; ${score.finding.replace(/\.$/, "")}`;
    if (find("entropy definition")?.severity === "unknown") {
      return `no entropy per token is logged; of the rest no problem is seen${course}${about}.`;
    }
    return `no problem is seen${course}${about}${open}.`;
  }
  const { topic, finding } = gravest;
  const first = FIRST.includes(topic) ? finding : `${topic}: ${finding}`;
  const beside = topicsOf(others).filter((other) => other !== topic);
  return beside.length === 0 ? first : `${first} Problems beside it: ${beside.join(", ")}.`;
}

const SEVERITIES: readonly Severity[] = ["problem", "notice", "fine", "unknown"];

/** Findings with problems first, then notes, what is well, and what the log does not tell. */
export function gravestFirst(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity, topic }: Finding) =>
    SEVERITIES.indexOf(severity) * (FIRST.length + 1) +
    (FIRST.includes(topic) ? FIRST.indexOf(topic) : FIRST.length);
  return findings.toSorted((left, right) => rank(left) - rank(right));
}

function topicsOf(findings: readonly Finding[]): string[] {
  return Array.from(new Set(findings.map(({ topic }) => topic)));
}
