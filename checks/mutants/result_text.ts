/** How `deno task mutants` tells of changes. */
import { counted } from "../../formats/counted.ts";
import { bold } from "../../formats/terminal.ts";
import type { MutantResult } from "./run_mutants.ts";

/** What became of a change: the test that caught it, or that none did. */
export function resultText({ mutant: { file, what }, outcome, seconds }: MutantResult): string {
  const time = `${seconds.toFixed(1)} s`.padStart(8);
  const where = `${time}  ${file}: ${what}`;
  switch (outcome.kind) {
    case "failed":
      return `caught   ${where}\n                     by ${outcome.test}`;
    case "passed":
      return bold(`SURVIVED ${where}`);
    case "broken":
      return bold(`BROKEN   ${where}`) + `\n                     ${outcome.message}`;
  }
}

/** What became of them all. */
export function totalText(results: readonly MutantResult[]): string {
  const left = notCaught(results);
  const total = counted(results.length, "change");
  return `${total}, ${left === 0 ? "all caught" : `${left} of them not caught`}.`;
}

/** How many changes no test has caught by an assertion. */
export function notCaught(results: readonly MutantResult[]): number {
  return results.filter(({ outcome }) => outcome.kind !== "failed").length;
}
