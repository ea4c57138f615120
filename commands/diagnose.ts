/** `deno task diagnose FILE`: plain findings for someone whose run is in trouble. */
import { parseArgs, styleText } from "node:util";
import { diagnose, type Diagnosis, type Severity } from "../analysis/diagnosis.ts";
import { effortFor } from "../analysis/effort.ts";
import { ReadError } from "../formats/errors.ts";
import { printable, printableJson } from "../formats/printable.ts";
import { readRuns } from "../analysis/readers/read_run.ts";
import {
  bold,
  LONGEST_CELL,
  printError,
  runCommand,
  UsageError,
  withProgress,
} from "./common/command.ts";

const HELP = `Says what a training log tells about its policy entropy: findings with their evidence.

  deno task diagnose FILE [options]

FILE is any log that deno task fit reads, or - for standard input.

  --entropy-key KEY   read the policy entropy from KEY
  --score-key KEY     read the performance from KEY
  --json              print the findings as one JSON object on stdout
`;

const MARKS: Record<Severity, [string, "green" | "yellow" | "red" | "gray"]> = {
  fine: ["ok", "green"],
  notice: ["note", "yellow"],
  problem: ["problem", "red"],
  unknown: ["unknown", "gray"],
};

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      "entropy-key": { type: "string" },
      "score-key": { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) {
    throw new UsageError(`${positionals.length} files were named, expected one (see --help).`);
  }
  const runs = await withProgress(`reading ${path}`, () =>
    readRuns(path, {
      ...(values["entropy-key"] === undefined ? {} : { entropyKey: values["entropy-key"] }),
      ...(values["score-key"] === undefined ? {} : { scoreKey: values["score-key"] }),
    }));
  const { draws } = effortFor(runs.map(({ score }) => score?.values.length ?? 0));
  const diagnoses: Diagnosis[] = [];
  for (const run of runs) {
    try {
      diagnoses.push(diagnose(run, { draws }));
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      printError(error.message);
    }
  }
  if (diagnoses.length > 0) {
    if (values.json) console.log(printableJson({ runs: diagnoses }));
    else console.log(diagnoses.map(page).join("\n\n"));
  }
  return diagnoses.length === runs.length;
}

function line(text: string): string {
  return printable(text, LONGEST_CELL);
}

function page({ name, source, findings }: Diagnosis): string {
  const lines = findings.map(({ topic, severity, finding, evidence }) => {
    const [mark, colour] = MARKS[severity];
    const shown = Deno.stdout.isTerminal() ? styleText(colour, mark.padEnd(8)) : mark.padEnd(8);
    return `${shown}${bold(topic)}: ${line(finding)}\n        ${line(evidence)}`;
  });
  const head = `${bold(line(name))}${name === source ? "" : ` (${line(source)})`}`;
  return [head, "", ...lines].join("\n");
}

if (import.meta.main) await runCommand(main);
