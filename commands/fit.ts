/** `deno task fit FILE…`: the law of each run in the files, as tables, a picture, or JSON. */
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { effortFor, evenlyThinned } from "../analysis/effort.ts";
import { ReadError, UserError } from "../formats/errors.ts";
import { LawError } from "../analysis/law_error.ts";
import { lawFigure } from "../analysis/figures/law_figure.ts";
import { fitLaw, type Interval, type LawFit } from "../analysis/law.ts";
import { describeRule, type Pairing, pairs } from "../analysis/pairs.ts";
import {
  describePortion,
  FIRST_15_PERCENT,
  type Portion,
  predictFrom,
  type Prediction,
} from "../analysis/prediction.ts";
import { printable, printableJson } from "../formats/printable.ts";
import { joinExports } from "../analysis/readers/join.ts";
import { readRuns } from "../analysis/readers/read_run.ts";
import type { Run } from "../analysis/readers/run.ts";
import { compareRivals, formulaOf, type Rival } from "../analysis/rivals.ts";
import { STANDARD_INPUT } from "../formats/standard_input.ts";
import { number } from "../formats/number.ts";
import {
  bold,
  isSystem,
  LONGEST_CELL,
  OUT_HELP,
  printError,
  runCommand,
  sentence,
  UsageError,
  withProgress,
} from "./common/command.ts";
import { expandInputs, firstOf } from "./common/inputs.ts";
import { checkOutFolder } from "./common/out_folder.ts";
import { checkReplaceable, outputNames } from "./common/output_names.ts";

const HELP = `Fits R = −a·exp(H) + b to training logs and draws it.

  deno task fit FILE… [options]

FILE is a log, a folder, a glob, or - for standard input: verl console logs and JSONL, TRL's
trainer_state.json, ms-swift's logging.jsonl, W&B CSV / JSONL / .wandb, TensorBoard events, CSV or JSONL
with named columns.

  --entropy-key KEY   read the policy entropy from KEY
  --score-key KEY     read the performance from KEY (default: the mean over validation benchmarks)
  --pairing RULE      next-logged or same-step, instead of the rule for the framework
  --first PART        predict from the first 36 (steps) or 15% of the run (default 15%)
  --reverse           predict the early part of the run from the last PART instead
  --out DIR           ${OUT_HELP}
                      (default: the current folder): NAME.fit.svg and NAME.fit.png
  --json              print the numbers as one JSON object, and nothing else, on stdout
`;

/** More runs than this cannot be told apart in a picture, and want much time and memory. */
const MOST_RUNS = 500;

interface Fitted {
  run: Run;
  pairing: Pairing;
  fit: LawFit;
  prediction: Prediction | LawError;
  rivals: Rival[];
  /** Number of pairs on which the rivals were compared. */
  compared: number;
}

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      "entropy-key": { type: "string" },
      "score-key": { type: "string" },
      pairing: { type: "string" },
      first: { type: "string" },
      reverse: { type: "boolean", default: false },
      out: { type: "string", default: "." },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  if (positionals.length === 0) throw new UsageError("name at least one log file (see --help).");
  const rule = values.pairing;
  if (rule !== undefined && rule !== "next-logged" && rule !== "same-step") {
    throw new UsageError(`--pairing is ${rule}, expected next-logged or same-step.`);
  }
  const portion = values.first === undefined ? FIRST_15_PERCENT : parsePortion(values.first);
  const keys = {
    ...(values["entropy-key"] === undefined ? {} : { entropyKey: values["entropy-key"] }),
    ...(values["score-key"] === undefined ? {} : { scoreKey: values["score-key"] }),
  };

  await checkOutFolder(values.out);

  const read: Run[] = [];
  let failed = 0;
  const skipped: string[] = [];
  for (const { path, named } of await expandInputs(positionals)) {
    try {
      const runs = await withProgress(`reading ${path}`, () => readRuns(path, keys));
      for (const run of runs) read.push(run);
    } catch (error) {
      if (!(error instanceof ReadError || isSystem(error))) throw error;
      if (named) {
        printError(error instanceof ReadError ? error.message : `${path}: ${sentence(error)}`);
        failed++;
      } else skipped.push(path);
    }
  }
  const runs = joinExports(read, (error) => {
    printError(error.message);
    failed++;
  });
  if (runs.length > MOST_RUNS) {
    throw new UserError(
      `the files hold ${runs.length} runs, expected at most ${MOST_RUNS} in one call: name fewer files, or split the export into files of fewer runs.`,
    );
  }
  const effort = effortFor(runs.map(({ score }) => score?.values.length ?? 0));
  const fitted: Fitted[] = [];
  for (const run of runs) {
    try {
      const pairing = pairs(run, rule === undefined ? {} : { rule });
      fitted.push({
        run,
        pairing,
        fit: fitLaw(pairing, { draws: effort.draws }),
        prediction: tryPredict(pairing, portion, values.reverse),
        rivals: compareRivals(pairing, { most: effort.rivalPairs }),
        compared: evenlyThinned(pairing, effort.rivalPairs).length,
      });
    } catch (error) {
      if (!(error instanceof ReadError || error instanceof LawError)) throw error;
      printError(error instanceof LawError ? `${run.source}: ${error.message}` : error.message);
      failed++;
    }
  }
  if (skipped.length > 0) {
    console.error(`${skipped.length} files in the folders hold no training log.`);
    console.error(`  ${firstOf(skipped)}`);
  }
  if (fitted.length === 0) {
    if (failed === 0) printError(`no training log in ${positionals.join(", ")}.`);
    return false;
  }

  const picture = join(values.out, `${stemOf(fitted)}.fit`);
  for (const ending of ["svg", "png"]) await checkReplaceable(`${picture}.${ending}`);
  if (values.json) console.log(printableJson({ runs: fitted.map(toJson) }, finiteOrNull));
  else for (const one of fitted) console.log(table(one));
  await withProgress("drawing", () => draw(fitted, picture));
  if (!values.json) console.log(`wrote ${printable(`${picture}.svg and ${picture}.png`)}`);
  return failed === 0;
}

function parsePortion(text: string): Portion {
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim());
  const value = Number(match?.[1]);
  if (match === null || !(value > 0) || (match[2] === "%" && value >= 100)) {
    throw new UsageError(
      `--first is ${text}, expected a number of steps such as 36 or a share such as 15%.`,
    );
  }
  return match[2] === "%" ? { fraction: value / 100 } : { steps: value };
}

function tryPredict(pairing: Pairing, portion: Portion, reverse: boolean): Prediction | LawError {
  try {
    return predictFrom(pairing, portion, { reverse });
  } catch (error) {
    if (error instanceof LawError) return error;
    throw error;
  }
}

/** What the picture is called, without `.fit` and its ending: as the one log, or `runs`. */
function stemOf(fitted: readonly Fitted[]): string {
  if (fitted.length !== 1) return "runs";
  const { source } = fitted[0]!.run;
  if (source === STANDARD_INPUT) return "stdin";
  const [name] = outputNames([resolve(source)], /(?:\.(?:gz|log|out|jsonl?|csv|wandb))*$/);
  return name!;
}

async function draw(fitted: readonly Fitted[], picture: string): Promise<void> {
  const unit = fitted.every(({ run }) => run.score?.unit === "fraction") ? "fraction" : "reward";
  const names = fitted.map(({ run }) => run.name);
  const series = fitted.map(({ pairing, fit, run }, i) => ({
    // Runs of the same name are told apart by where they come from.
    name: names.indexOf(run.name) === names.lastIndexOf(run.name)
      ? run.name
      : `${run.source} ${i + 1}`,
    pairs: pairing,
    fit,
  }));
  // Vega and its renderer are loaded only now: a large log wants the memory first.
  const { writeMarkedFigure } = await import("../analysis/figures/draw.ts");
  await writeMarkedFigure(dirname(picture), basename(picture), lawFigure(series, unit));
}

function table(one: Fitted): string {
  const { run, pairing, fit, prediction, rivals } = one;
  const { entropy, score } = run;
  const [lowest, highest] = fit.entropyRange;
  const interval = (value: number, [low, high]: Interval) =>
    `${number(value).padEnd(9)} 95 % interval [${number(low)}, ${number(high)}]`;
  const rows: [string, string][] = [
    ["entropy", `${entropy!.key} (${entropy!.definition}; measured ${entropy!.measured})`],
    ["score", `${score!.label} (${score!.kind}, ${score!.unit})`],
    ["pairing", `${pairing.rule}: ${describeRule(pairing.rule)}`],
    [
      "pairs",
      `${fit.n}${
        pairing.dropped > 0 ? `, ${pairing.dropped} scores without an entropy dropped` : ""
      }; H from ${number(highest)} to ${number(lowest)} nats`,
    ],
    ["a", interval(fit.a, fit.interval.a)],
    ["b", interval(fit.b, fit.interval.b)],
    ["ceiling", `${interval(fit.ceiling, fit.interval.ceiling)} (b − a, at H = 0)`],
    ["R²", `${number(fit.r2, 3)}, RMSE ${number(fit.rmse, 3)}`],
    ["identified", `${fit.identified.verdict ? "yes" : "no"}: ${fit.identified.reason}`],
    ["prediction", predictionText(prediction)],
    ["best rival", rivalText(rivals)],
    [
      "intervals",
      `${fit.bootstrap.method}, blocks of ${fit.bootstrap.blockLength}, ${fit.bootstrap.draws} draws`,
    ],
  ];
  const others = run.validationKeys.filter((key) => !score!.keys.includes(key));
  if (others.length > 0) {
    rows.push(["other scores", `${others.join(", ")} (choose with --score-key)`]);
  }
  for (const note of notesOf(one)) rows.push(["note", note]);
  if (run.malformed.count > 0) {
    rows.push([
      "malformed",
      `${run.malformed.count} pieces left out, such as ${run.malformed.examples[0]}`,
    ]);
  }
  const head = `${
    bold(printable(run.name, LONGEST_CELL))
  } (${run.format}, steps ${run.steps.first} to ${run.steps.last})`;
  const lines = rows.map(([name, text]) => `  ${name.padEnd(13)}${printable(text, LONGEST_CELL)}`);
  return [head, ...lines, ""].join("\n");
}

function predictionText(prediction: Prediction | LawError): string {
  if (prediction instanceof LawError) return `not made: ${prediction.message}`;
  const { portion, direction, fitted, fittedSteps: [from, to], predicted, rmse, endError } =
    prediction;
  const end = direction === "reverse" ? "at the start" : "at the end";
  const sign = endError < 0 ? "−" : "+";
  return `from ${
    describePortion(portion, direction === "reverse")
  } (${fitted} pairs, steps ${from} to ${to}): ` +
    `RMSE ${number(rmse, 3)} over the other ${predicted}, ${end} ${sign}${
      number(Math.abs(endError), 3)
    }`;
}

function rivalText(rivals: readonly Rival[]): string {
  const law = rivals.find(({ model }) => model === "law");
  const best = rivals.find(({ model }) => model !== "law");
  if (law === undefined || best === undefined) return "none can be fitted to these numbers";
  const better = law.aicc === undefined || best.aicc === undefined
    ? undefined
    : law.aicc - best.aicc;
  const verdict = better === undefined
    ? "too few pairs to compare"
    : `AICc ${number(best.aicc, 4)} against the law's ${number(law.aicc, 4)}: ` +
      (Math.abs(better) < 2
        ? "no difference"
        : better > 0
        ? "the rival fits better"
        : "the law fits better");
  return `${best.model}, ${
    formulaOf(best.model)
  }; ${verdict}; RMSE of the second half from the first ` +
    `${number(best.outOfSample, 3)} against ${number(law.outOfSample, 3)}`;
}

function toJson(one: Fitted) {
  const { run, pairing, fit, prediction, rivals } = one;
  return {
    source: run.source,
    name: run.name,
    format: run.format,
    entropyKey: run.entropy!.key,
    scoreKey: run.score!.label,
    scoreUnit: run.score!.unit,
    pairing: pairing.rule,
    dropped: pairing.dropped,
    n: fit.n,
    a: fit.a,
    b: fit.b,
    ceiling: fit.ceiling,
    r2: fit.r2,
    rmse: fit.rmse,
    interval: fit.interval,
    bootstrap: {
      method: fit.bootstrap.method,
      blockLength: fit.bootstrap.blockLength,
      draws: fit.bootstrap.draws,
      autocorrelation: fit.bootstrap.autocorrelation,
    },
    identified: fit.identified.verdict,
    identifiedBecause: fit.identified.reason,
    prediction: prediction instanceof LawError ? { error: prediction.message } : prediction,
    rivals,
    validationKeys: run.validationKeys,
    malformed: run.malformed.count,
    notes: notesOf(one),
  };
}

/** The notes on how a run was read, and on what of it the rivals were compared if not on all. */
function notesOf({ run, pairing, compared }: Fitted): readonly string[] {
  if (compared === pairing.length) return run.notes;
  return [
    ...run.notes,
    `the rivals and the law are compared with each other on ${compared} evenly spaced pairs of the ${pairing.length}; a, b and the ceiling are fitted to all`,
  ];
}

/** JSON has no NaN. */
function finiteOrNull(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}

if (import.meta.main) await runCommand(main);
