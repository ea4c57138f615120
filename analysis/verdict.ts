import type { Finding } from "./finding.ts";

/** What comes first of several problems: a run that gains nothing more, or whose numbers are none. */
const FIRST = ["plateau", "not finite"];

/**
 * The findings of a run in one line: the gravest problem as it stands, and what else is one; without a
 * problem, what the notes are about, and whether the law can be told.
 */
export function verdictOf(findings: readonly Finding[]): string {
  const problems = findings.filter(({ severity }) => severity === "problem");
  const rank = ({ topic }: Finding) => FIRST.includes(topic) ? FIRST.indexOf(topic) : FIRST.length;
  const [gravest, ...others] = problems.toSorted((left, right) => rank(left) - rank(right));
  if (gravest === undefined) {
    const notes = topicsOf(findings.filter(({ severity }) => severity === "notice"));
    const about = notes.length === 0 ? "" : `; notes on ${notes.join(", ")}`;
    const isOpen = findings.some(({ topic, severity }) =>
      topic === "ceiling" && severity === "unknown"
    );
    return `no problem is seen${about}${isOpen ? "; the log does not tell the law" : ""}.`;
  }
  const { topic, finding } = gravest;
  const first = FIRST.includes(topic) ? finding : `${topic}: ${finding}`;
  const beside = topicsOf(others).filter((other) => other !== topic);
  return beside.length === 0 ? first : `${first} Problems beside it: ${beside.join(", ")}.`;
}

function topicsOf(findings: readonly Finding[]): string[] {
  return Array.from(new Set(findings.map(({ topic }) => topic)));
}
