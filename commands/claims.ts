/** `deno task claims`: what became of each claim of the paper, by the raw logs of the study. */
import { VERDICT_RULE } from "../analysis/claims.ts";
import { claimsText } from "../analysis/reports/claims_text.ts";
import { judgeClaims } from "../experiments/claims/verdicts.ts";
import { parseArguments } from "./common/arguments.ts";
import { runCommand, UsageError, withProgress } from "./common/command.ts";

const HELP =
  `Judges each claim of the paper by the raw logs in results/logs, and by computation where it needs none.

  deno task claims [--json]

  --json   print one JSON object, and nothing else: the rule, and each claim with its numbers`;

async function main(): Promise<boolean> {
  const { values: { json }, positionals } = parseArguments(HELP, {
    json: { type: "boolean", default: false },
  });
  if (positionals.length > 0) {
    throw new UsageError(`${positionals[0]} was named, expected only options (see --help).`);
  }
  const claims = await withProgress("judging the claims", () => judgeClaims());
  console.log(
    json ? JSON.stringify({ rule: VERDICT_RULE, claims }, undefined, 2) : claimsText(claims),
  );
  return true;
}

await runCommand(main);
