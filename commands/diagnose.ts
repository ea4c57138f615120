/** `deno task diagnose FILE`: plain findings for someone whose run is in trouble. */
import { diagnose, type Diagnosis } from "../analysis/diagnosis.ts";
import { effortFor } from "../analysis/effort.ts";
import { readRuns } from "../analysis/readers/read_run.ts";
import { diagnosisText } from "../analysis/reports/diagnosis_text.ts";
import { ReadError } from "../formats/errors.ts";
import { printableJson } from "../formats/printable.ts";
import { parseArguments } from "./common/arguments.ts";
import { printError, runCommand, UsageError, withProgress } from "./common/command.ts";

const HELP = `Says what a training log tells about its policy entropy: findings with their evidence.

  deno task diagnose FILE [options]

FILE is any log that deno task fit reads, or - for standard input.

  --entropy-key KEY   read the policy entropy from KEY
  --score-key KEY     read the performance from KEY
  --json              print the findings as one JSON object on stdout
`;

const OPTIONS = {
  "entropy-key": { type: "string" },
  "score-key": { type: "string" },
  json: { type: "boolean", default: false },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) {
    throw new UsageError(`${positionals.length} files were named, expected one (see --help).`);
  }
  const runs = await withProgress(`reading ${path}`, () =>
    readRuns(path, {
      ...(values["entropy-key"] === undefined ? {} : { entropyKey: values["entropy-key"] }),
      ...(values["score-key"] === undefined ? {} : { scoreKey: values["score-key"] }),
    }));
  const effort = effortFor(runs.map(({ score }) => score?.values.length ?? 0));
  const diagnoses: Diagnosis[] = [];
  for (const run of runs) {
    try {
      diagnoses.push(diagnose(run, effort));
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      printError(error.message);
    }
  }
  if (diagnoses.length > 0) {
    if (values.json) console.log(printableJson({ runs: diagnoses }));
    else console.log(diagnoses.map(diagnosisText).join("\n\n"));
  }
  return diagnoses.length === runs.length;
}

await runCommand(main);
