import type { Finding } from "./finding.ts";

/** What comes first of several problems: a run that gains nothing more, or whose numbers are none. */
const FIRST = ["plateau", "not finite"];

/**
 * The findings of a run in one line: the gravest problem as it stands, and what else is one; without a
 * problem, that there is none that the log shows.
 */
export function verdictOf(findings: readonly Finding[]): string {
  const problems = findings.filter(({ severity }) => severity === "problem");
  const rank = ({ topic }: Finding) => FIRST.includes(topic) ? FIRST.indexOf(topic) : FIRST.length;
  const [gravest, ...others] = problems.toSorted((left, right) => rank(left) - rank(right));
  if (gravest === undefined) {
    const count = findings.filter(({ severity }) => severity === "notice").length;
    return count === 0
      ? "the log shows no problem."
      : `the log shows no problem; ${count} ${count === 1 ? "notice" : "notices"}.`;
  }
  const topics = new Set(others.map(({ topic }) => topic));
  topics.delete(gravest.topic);
  if (topics.size === 0) return gravest.finding;
  return `${gravest.finding} Problems beside it: ${Array.from(topics).join(", ")}.`;
}
