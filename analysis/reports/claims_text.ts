import { counted } from "../../formats/counted.ts";
import { printable } from "../../formats/printable.ts";
import { bold, type Colour, coloured } from "../../formats/terminal.ts";
import { type JudgedClaim, type JudgedCriterion, type Verdict, VERDICT_RULE } from "../claims.ts";
import { LONGEST_ROW } from "./report_text.ts";

/** The verdicts in the order in which they are counted. */
const VERDICTS: Readonly<Record<Verdict, Colour>> = {
  "reproduced": "green",
  "partly": "yellow",
  "not reproduced": "red",
  "not testable at this scale": "gray",
  "not run yet": "gray",
};

const OUTCOMES: Readonly<Record<JudgedCriterion["outcome"], Colour>> = {
  "met": "green",
  "open": "yellow",
  "missed": "red",
  "not testable": "gray",
};

/** Columns of the claims' numbers, and of the outcomes. */
const INDENT = 4;
const OUTCOME_WIDTH = 14;

/** What `deno task claims` prints: each claim with its verdict, its numbers below it, and the rule. */
export function claimsText(claims: readonly JudgedClaim[]): string {
  return [...claims.map(claimText), countVerdicts(claims), "", VERDICT_RULE].join("\n");
}

/** How many claims have which verdict, in words. */
export function countVerdicts(claims: readonly JudgedClaim[]): string {
  const counts = Object.keys(VERDICTS).map((verdict) => {
    const count = claims.filter((claim) => claim.verdict === verdict).length;
    return { count, text: `${count} ${verdict}` };
  });
  const said = counts.filter(({ count }) => count > 0).map(({ text }) => text);
  return `${counted(claims.length, "claim")}: ${said.join(", ")}.`;
}

/** Runs that are named where many are missing. */
const NAMED = 3;

/** Why a claim has no verdict yet, in a sentence. */
export function describeMissing({ missing }: JudgedClaim): string {
  const named = missing.slice(0, NAMED).join(", ");
  const rest = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : "";
  return `${counted(missing.length, "run")} ${
    missing.length === 1 ? "is" : "are"
  } still to be made: ${named}${rest}.`;
}

function claimText(claim: JudgedClaim): string {
  const { number, verdict, statement, place, paper, rule, readings, scale, missing } = claim;
  const head = `${String(number).padStart(2)}  ${coloured(VERDICTS[verdict], verdict)}: ${
    row(statement)
  }`;
  const numbers = readings.flatMap(({ name, verdict, criteria }) => [
    ...(name === "" ? [] : [row(`Read as ${name}: ${verdict}.`)]),
    ...criteria.map(criterionText),
  ]);
  const below = missing.length === 0
    ? [...numbers, ...scale.map(row)]
    : [row(describeMissing(claim)), row(`Rule: ${rule}`)];
  const lines = [row(`${place}. The paper: ${paper}.`), ...below];
  return [bold(head), ...lines.map((line) => " ".repeat(INDENT) + line), ""].join("\n");
}

function criterionText(
  { outcome, quantity, ours, accepted, decisive, paper, because }: JudgedCriterion,
): string {
  const rule = `accepted: ${accepted}${decisive ? ", decisive" : ""}; the paper: ${paper}`;
  const text = `${quantity}: ${ours} (${rule}). ${because}`;
  return `${coloured(OUTCOMES[outcome], outcome.padEnd(OUTCOME_WIDTH))}${row(text.trimEnd())}`;
}

function row(text: string): string {
  return printable(text, LONGEST_ROW);
}
