/** `deno task cov FILE`: the token covariances of a batch, and what Clip-Cov and KL-Cov do with them. */
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { ReadError, UserError } from "../formats/errors.ts";
import { paperRows } from "../analysis/paper_data.ts";
import { printable, printableJson } from "../formats/printable.ts";
import {
  type CovarianceReport,
  covarianceReport,
  type KlCovReport,
  type MethodReport,
} from "../analysis/tokens/covariance_report.ts";
import type { TokenDump } from "../analysis/tokens/dump.ts";
import { PPO_CLIP } from "../analysis/tokens/ppo_clip.ts";
import { readTokens } from "../analysis/tokens/read_tokens.ts";
import { isStandardInput } from "../formats/standard_input.ts";
import {
  checkSettings,
  type CovarianceSettings,
  DEFAULT_SETTINGS,
} from "../analysis/tokens/settings.ts";
import { type CovarianceToken, touchedTokens } from "../analysis/tokens/touched.ts";
import { touchedLine } from "../analysis/tokens/touched_list.ts";
import { writeWhole } from "../formats/write.ts";
import { number } from "../formats/number.ts";
import {
  bold,
  LONGEST_CELL,
  OUT_HELP,
  printError,
  runCommand,
  UsageError,
  withProgress,
} from "./common/command.ts";
import { expandInputs, firstOf } from "./common/inputs.ts";
import { checkOutFolder } from "./common/out_folder.ts";
import { checkOutputs, outputNames } from "./common/output_names.ts";

const HELP = `Shows the token covariances of a batch, and which tokens Clip-Cov and KL-Cov touch.

  deno task cov FILE… [options]

FILE is a dump of tokens with log_prob, advantages, mask and, if you have it, old_log_prob: safetensors
or npz (arrays [tokens] or [sequences, tokens]), JSON lines (a token or a sequence per line), or the token
export of prime-rl; gzipped, too. It may be a pipe, and - is standard input. A folder or a glob stands for
its files. Each file is one batch: join what several ranks wrote (cat rank_*.jsonl | deno task cov -).

  --k SHARE           KL-Cov's share of the tokens (default ${DEFAULT_SETTINGS.klRatio}, the paper's for 7B)
  --r SHARE           Clip-Cov's share of the tokens (default ${DEFAULT_SETTINGS.clipRatio})
  --low NUMBER        Clip-Cov takes tokens with a covariance above this (default ${DEFAULT_SETTINGS.low})
  --high NUMBER       and below this (default ${DEFAULT_SETTINGS.high})
  --seed INTEGER      seed of Clip-Cov's sample (default ${DEFAULT_SETTINGS.seed})
  --definition NAME   paper (Eqs. 10-14) or verl (at least one token; tokens that PPO clips are no
                      candidates of Clip-Cov); default ${DEFAULT_SETTINGS.definition}
  --out DIR           ${OUT_HELP}
                      (default: the current folder)
  --json              print the numbers as one JSON object per dump, and nothing else, on stdout

Writes NAME.cov.svg, NAME.cov.png and NAME.touched.jsonl, where NAME is that of FILE; sequences and
positions count from 0. A file that is read, or that this command did not write, is never replaced. What
is compressed more than 250-fold (JSON lines: 50-fold) is refused where it would take more than 512 MiB
(128 MiB) when it is read.
`;

const PICTURE = ".cov";
const TOUCHED = ".touched.jsonl";
/** Of the files that are written for a dump. */
const ENDINGS = [`${PICTURE}.svg`, `${PICTURE}.png`, TOUCHED];

/** What the command line calls the settings. */
const OPTIONS: Readonly<Record<keyof CovarianceSettings, string>> = {
  definition: "--definition",
  klRatio: "--k",
  clipRatio: "--r",
  low: "--low",
  high: "--high",
  seed: "--seed",
};

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      k: { type: "string" },
      r: { type: "string" },
      low: { type: "string" },
      high: { type: "string" },
      seed: { type: "string" },
      definition: { type: "string", default: DEFAULT_SETTINGS.definition },
      out: { type: "string", default: "." },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  if (positionals.length === 0) throw new UsageError("name at least one token dump (see --help).");
  const settings = settingsOf(values);

  const inputs = await expandInputs(positionals);
  const paths = inputs.map(({ path }) => path);
  const names = outputNames(
    paths.map((path) => isStandardInput(path) ? "stdin" : path),
    /(?:\.safetensors|\.npz|\.jsonl?)?(?:\.gz)?$/,
  );
  await checkOutFolder(values.out);
  await checkOutputs(
    names.flatMap((name) => ENDINGS.map((ending) => join(values.out, name + ending))),
    paths,
    isDump,
  );
  let [done, failed] = [0, 0];
  const skipped: string[] = [];
  for (const [i, { path, named }] of inputs.entries()) {
    try {
      await show(path, values.out, names[i]!, settings, values.json);
      done++;
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      if (named) {
        printError(error.message);
        failed++;
      } else skipped.push(path);
    }
  }
  if (skipped.length > 0) {
    console.error(`${skipped.length} files in the folders hold no tokens.`);
    console.error(`  ${firstOf(skipped)}`);
  }
  if (done === 0 && failed === 0) printError(`no token dump in ${positionals.join(", ")}.`);
  return done > 0 && failed === 0;
}

function settingsOf(
  values: { definition: string } & Partial<Record<"k" | "r" | "low" | "high" | "seed", string>>,
): CovarianceSettings {
  const { definition } = values;
  if (definition !== "paper" && definition !== "verl") {
    throw new UsageError(`--definition is ${definition}, expected paper or verl.`);
  }
  const parse = (name: "k" | "r" | "low" | "high" | "seed", otherwise: number) => {
    const text = values[name];
    const value = text === undefined ? otherwise : text.trim() === "" ? NaN : Number(text);
    if (Number.isNaN(value)) throw new UsageError(`--${name} is ${text}, expected a number.`);
    return value;
  };
  const settings = {
    definition,
    klRatio: parse("k", DEFAULT_SETTINGS.klRatio),
    clipRatio: parse("r", DEFAULT_SETTINGS.clipRatio),
    low: parse("low", DEFAULT_SETTINGS.low),
    high: parse("high", DEFAULT_SETTINGS.high),
    seed: parse("seed", DEFAULT_SETTINGS.seed),
  } as const;
  try {
    checkSettings(settings, (setting) => OPTIONS[setting]);
  } catch (error) {
    if (error instanceof UserError) throw new UsageError(error.message);
    throw error;
  }
  return settings;
}

/** Whether a file can be read as a dump. */
async function isDump(path: string): Promise<boolean> {
  try {
    using _tokens = await readTokens(path);
    return true;
  } catch (error) {
    if (error instanceof ReadError) return false;
    throw error;
  }
}

/** Reads one dump, prints its numbers, and writes its histogram and its list of touched tokens. */
async function show(
  path: string,
  folder: string,
  name: string,
  settings: CovarianceSettings,
  isJson: boolean,
): Promise<void> {
  using tokens = await withProgress(`reading ${path}`, () => readTokens(path));
  const report = await withProgress(
    "computing",
    () => Promise.resolve().then(() => covarianceReport(tokens, settings)),
  );
  if (isJson) console.log(printableJson(toJson(tokens, report)));
  else console.log(await table(tokens, report));
  await withProgress("writing", async () => {
    await writeWhole(join(folder, name + TOUCHED), touchedLines(tokens, report));
    // Vega and its renderer are loaded only now: a large dump wants the memory first.
    const [{ writeMarkedFigure }, { covarianceFigure }] = await Promise.all([
      import("../analysis/figures/draw.ts"),
      import("../analysis/figures/covariance_figure.ts"),
    ]);
    await writeMarkedFigure(
      folder,
      name + PICTURE,
      covarianceFigure(basename(tokens.source), report),
    );
  });
  if (!isJson) {
    const [svg, png, list] = ENDINGS.map((ending) => join(folder, name + ending));
    console.log(`wrote ${printable(`${svg}, ${png} and ${list}`)}\n`);
  }
}

/** A line of JSON for each token that is touched, in pieces of about 64 kB. */
function touchedLines(tokens: TokenDump, report: CovarianceReport): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  function* pieces(): Generator<Uint8Array> {
    let text = "";
    for (const token of touchedTokens(tokens, report)) {
      text += touchedLine(token) + "\n";
      if (text.length < 1 << 16) continue;
      yield encoder.encode(text);
      text = "";
    }
    yield encoder.encode(text);
  }
  return ReadableStream.from(pieces());
}

async function table(tokens: TokenDump, report: CovarianceReport): Promise<string> {
  const { klCov, clipCov, ratio } = report;
  const [lowest, highest] = report.range;
  const rows: [string, string | string[]][] = [
    [
      "tokens",
      `${report.tokens} of responses; ${tokens.padding} masked (prompts, padding); ${tokens.leftOut} left out`,
    ],
    ["mean ln π", `${number(report.meanLogProb)} nats`],
    ["mean A", number(report.meanAdvantage)],
    [
      "covariance",
      `mean ${number(report.meanCovariance)}, from ${number(lowest)} to ${number(highest)}`,
    ],
    ["Table 1", await groupLines(report)],
    ["KL-Cov", [askedText("k", klCov, report.tokens) + thresholdText(klCov), carriedText(klCov)]],
    [
      "Clip-Cov",
      [
        `${askedText("r", clipCov, report.tokens)} of the ${clipCov.candidates} candidates, ` +
        `${number(clipCov.low)} < covariance < ${number(clipCov.high)} (seed ${clipCov.seed})`,
        carriedText(clipCov),
      ],
    ],
  ];
  if (ratio !== undefined) {
    rows.push([
      "PPO",
      `clip fraction ${number(ratio.clipFraction)} at ε = ${PPO_CLIP}, mean |ln π − ln π_old| ` +
      `${number(ratio.meanAbsoluteLogRatio)} nats (${ratio.tokens} tokens)`,
    ]);
  }
  if (highest > 0) rows.push(["highest", tokenLines(report.highest)]);
  for (const note of notesOf(tokens, report)) rows.push(["note", note]);
  if (tokens.malformed.count > 0) {
    rows.push([
      "malformed",
      `${tokens.malformed.count} lines left out, such as ${tokens.malformed.examples[0]}`,
    ]);
  }
  const sequences = `${tokens.sequences} sequence${tokens.sequences === 1 ? "" : "s"}`;
  const head = `${bold(printable(tokens.source, LONGEST_CELL))} (${tokens.format}, ${sequences})`;
  const lines = rows.flatMap(([name, text]) =>
    [text].flat().map((line, i) =>
      `  ${(i === 0 ? name : "").padEnd(12)}${printable(line, LONGEST_CELL)}`
    )
  );
  return [head, ...lines, ""].join("\n");
}

/** Our groups beside the paper's. */
async function groupLines({ groups }: CovarianceReport): Promise<string[]> {
  const paper = (await paperRows("table1.csv")).map(({ group, mean_covariance }) => ({
    share: group === "All" ? 100 : Number(/[\d.]+/.exec(group!)![0]),
    mean: mean_covariance!,
  }));
  return columns([
    ["group", "tokens", "mean covariance", "paper (Qwen2.5-7B, step 1)"],
    ...groups.map(({ share, tokens, mean }) => [
      share === 1 ? "all" : `top ${percent(share)}`,
      String(tokens),
      number(mean),
      paper.find((row) => percent(row.share / 100) === percent(share))?.mean ?? "–",
    ]),
  ]);
}

function tokenLines(highest: readonly CovarianceToken[]): string[] {
  const hasTokens = highest.some(({ token }) => token !== undefined);
  return columns([
    [
      "covariance",
      "sequence",
      "position",
      "ln π",
      "A",
      ...(hasTokens ? ["token"] : []),
      "touched by",
    ],
    ...highest.map(({ covariance, sequence, position, logProb, advantage, token, methods }) => [
      number(covariance),
      String(sequence),
      String(position),
      number(logProb),
      number(advantage),
      ...(hasTokens ? [JSON.stringify(token) ?? "–"] : []),
      methods.join(", ") || "–",
    ]),
  ]);
}

/** Right-aligned columns. */
function columns(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i]!)).join("   "));
}

function askedText(name: string, method: MethodReport, tokens: number): string {
  const { definition, ratio, asked, touched, share } = method;
  const floor = `⌊${number(ratio)} · ${tokens}⌋`;
  const rule = definition === "verl" && asked > 0 ? `max(${floor}, 1)` : floor;
  return `${definition}, ${name} = ${number(ratio)}: ${rule} = ${asked} asked, ` +
    `${touched} touched (${percent(share)})`;
}

function thresholdText({ threshold }: KlCovReport): string {
  return threshold === null ? "" : `, covariance ≥ ${number(threshold)}`;
}

function carriedText({ touched, covarianceShare, positiveShare }: MethodReport): string {
  if (touched === 0) return "no token is touched";
  if (covarianceShare === null) return "they carry nothing: the sum of all covariances is 0";
  const carried = Math.abs(covarianceShare) <= 1
    ? percent(covarianceShare)
    : `${number(covarianceShare, 3)} times`;
  const positive = positiveShare === null ? "" : `, ${percent(positiveShare)} of its positive part`;
  return `they carry ${carried} ${
    Math.abs(covarianceShare) <= 1 ? "of " : ""
  }the sum of all covariances${positive}`;
}

function percent(share: number): string {
  return `${number(100 * share, 3)} %`;
}

function notesOf(tokens: TokenDump, { range: [lowest, highest] }: CovarianceReport): string[] {
  const notes = [...tokens.notes];
  if (lowest === 0 && highest === 0) {
    notes.push(
      "there is no signal: every covariance is 0, because all advantages or all log-probabilities are the same",
    );
  }
  if (tokens.leftOut > 0) {
    notes.push(
      `${tokens.leftOut} response tokens were left out, whose log-probability or advantage is not a finite number`,
    );
  }
  if (tokens.format === "prime-rl") {
    notes.push("the old log-probabilities are those of the inference engine");
  }
  return notes;
}

function toJson(tokens: TokenDump, report: CovarianceReport) {
  const { klCov, clipCov, ratio } = report;
  return {
    source: tokens.source,
    format: tokens.format,
    sequences: tokens.sequences,
    tokens: report.tokens,
    padding: tokens.padding,
    leftOut: tokens.leftOut,
    malformedLines: tokens.malformed.count,
    meanLogProb: report.meanLogProb,
    meanAdvantage: report.meanAdvantage,
    meanCovariance: report.meanCovariance,
    groups: report.groups,
    klCov,
    clipCov,
    ...(ratio === undefined ? {} : {
      clipFraction: ratio.clipFraction,
      meanAbsoluteLogRatio: ratio.meanAbsoluteLogRatio,
    }),
    notes: notesOf(tokens, report),
  };
}

if (import.meta.main) await runCommand(main);
