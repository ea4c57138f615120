/** `deno task fit FILE…`: the law of each run in the files, as tables, a picture, or JSON. */
import { join } from "node:path";
import { effortFor } from "../analysis/effort.ts";
import { LawError } from "../analysis/law_error.ts";
import type { PairingRule } from "../analysis/pairs.ts";
import { overviewOf } from "../analysis/overview.ts";
import { FIRST_15_PERCENT, type Portion } from "../analysis/prediction.ts";
import { fitJson } from "../analysis/reports/fit_json.ts";
import { fitPicture } from "../analysis/reports/fit_picture.ts";
import { fitText } from "../analysis/reports/fit_text.ts";
import { lawErrorText } from "../analysis/reports/law_error_text.ts";
import { fitRun, type RunFit } from "../analysis/run_fit.ts";
import { runHeadings, runLabel } from "../analysis/run_label.ts";
import { shortened, shortenedButPairs } from "../analysis/shortened.ts";
import { ReadError } from "../formats/errors.ts";
import { printable } from "../formats/printable.ts";
import { parseArguments } from "./common/arguments.ts";
import { OUT_HELP, printError, runCommand, UsageError, withProgress } from "./common/command.ts";
import { checkOutFolder } from "./common/out_folder.ts";
import { checkReplaceable } from "./common/output_names.ts";
import { logComment, ownName } from "./common/own_name.ts";
import { logNames, readLogs } from "./common/read_logs.ts";

const HELP = `Fits R = −a·exp(H) + b to training logs, and draws it.

  deno task fit FILE… [options]

FILE is a log, a folder, a glob, or - for standard input: console logs of verl and TRL, verl's JSONL, TRL's
trainer_state.json, ms-swift's logging.jsonl, W&B CSV / JSONL / .wandb, TensorBoard events / CSV, MLflow's
metrics, tables with named columns as CSV, TSV, JSON or JSONL; of one or of several runs.

  --entropy-key KEY   read the policy entropy from KEY
  --score-key KEY     read the performance from KEY (default: the validation score, or the mean over
                      benchmarks that are peers; with fewer than 4 validations the training score)
  --pairing RULE      next-logged or same-step, instead of the rule for the framework
  --first PART        predict from the first 36 (steps) or 15% of the run, and say that first
  --reverse           predict the early part of the run from the last PART instead
  --out DIR           ${OUT_HELP}:
                      a picture, NAME.fit.svg and NAME.fit.png, where NAME is that of FILE, or runs for
                      several runs, with a number behind it where files of that name are of other logs;
                      without it nothing is written
  --json              print the numbers as one JSON object, and nothing else, on stdout
`;

const OPTIONS = {
  "entropy-key": { type: "string" },
  "score-key": { type: "string" },
  pairing: { type: "string" },
  first: { type: "string" },
  reverse: { type: "boolean", default: false },
  out: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  const rule = values.pairing === undefined ? undefined : parseRule(values.pairing);
  const portion = values.first === undefined ? FIRST_15_PERCENT : parsePortion(values.first);
  if (values.out !== undefined) await checkOutFolder(values.out);

  const { runs, printSkipped, ...logs } = await readLogs(positionals, values, shortenedButPairs);
  const failed = [...logs.failed];
  const fail = (message: string) => {
    printError(message);
    failed.push(message);
  };
  const isAsked = values.first !== undefined || values.reverse;
  const effort = effortFor(runs.map(({ score }) => score?.values.length ?? 0));
  const fits: RunFit[] = [];
  for (const run of runs) {
    try {
      // Whether the score gains is told as diagnose tells it, which looks at evenly spaced values.
      const stand = { ...overviewOf(shortened(run)), run };
      const one = fitRun(stand, { rule, portion, reverse: values.reverse, effort });
      fits.push(one);
      const { prediction } = one;
      if (isAsked && prediction instanceof LawError) {
        fail(`${runLabel(run)}: no prediction can be made: ${prediction.message}`);
      }
    } catch (error) {
      if (!(error instanceof ReadError || error instanceof LawError)) throw error;
      fail(error instanceof LawError ? lawErrorText(run, error) : error.message);
    }
  }
  printSkipped();
  if (fits.length === 0) {
    if (failed.length === 0) printError(`no training log in ${positionals.join(", ")}.`);
    return false;
  }

  const name = fits.length === 1 ? logNames([fits[0]!.run])[0] : "runs";
  const comment = logComment(fits.map(({ run }) => run));
  const stem = values.out === undefined
    ? ""
    : await ownName(values.out, { name: name!, kind: "fit", taken: new Set() }, comment);
  const pictures = [".svg", ".png"].map((ending) => join(values.out ?? ".", stem + ending));
  if (values.out !== undefined) { for (const path of pictures) await checkReplaceable(path); }
  if (values.json) console.log(fitJson(fits, failed));
  else {
    const headings = runHeadings(fits.map(({ run }) => run));
    for (const [i, fit] of fits.entries()) console.log(fitText(fit, isAsked, headings[i]));
  }
  if (values.out !== undefined) {
    await draw(fits, { folder: values.out, stem, showsPrediction: isAsked });
  }
  if (!values.json) {
    console.log(
      values.out === undefined
        ? "a picture: --out DIR"
        : `wrote ${printable(pictures.join(" and "))}`,
    );
  }
  return failed.length === 0;
}

function parseRule(text: string): PairingRule {
  if (text === "next-logged" || text === "same-step") return text;
  throw new UsageError(`--pairing is ${text}, expected next-logged or same-step.`);
}

function parsePortion(text: string): Portion {
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim());
  const value = Number(match?.[1]);
  if (match === null || !(value > 0) || (match[2] === "%" && value >= 100)) {
    throw new UsageError(
      `--first is ${text}, expected a number of steps such as 36 or a share such as 15%.`,
    );
  }
  if (match[2] === "%") return { fraction: value / 100 };
  if (Number.isInteger(value)) return { steps: value };
  throw new UsageError(
    value < 1
      ? `--first is ${text}, which is no number of steps; a share of the run is written in percent: --first ${
        Number((100 * value).toPrecision(12))
      }%.`
      : `--first is ${text}, expected a whole number of steps such as ${
        Math.round(value)
      }, or a share such as 15%.`,
  );
}

async function draw(
  fits: readonly RunFit[],
  { folder, stem, showsPrediction }: { folder: string; stem: string; showsPrediction: boolean },
): Promise<void> {
  await withProgress("drawing", async () => {
    // Vega and its renderer are loaded only now: a large log wants the memory first.
    const { writeMarkedFigure } = await import("../analysis/figures/draw.ts");
    const comment = logComment(fits.map(({ run }) => run));
    await writeMarkedFigure(folder, stem, fitPicture(fits, showsPrediction), comment);
  });
}

await runCommand(main);
