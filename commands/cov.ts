/** `deno task cov FILE`: the token covariances of a batch, and what Clip-Cov and KL-Cov do with them. */
import { basename, join } from "node:path";
import { covarianceFigure } from "../analysis/figures/covariance_figure.ts";
import { covarianceJson } from "../analysis/reports/covariance_json.ts";
import { covarianceText } from "../analysis/reports/covariance_text.ts";
import { covarianceReport } from "../analysis/tokens/covariance_report.ts";
import {
  checkSettings,
  type CovarianceSettings,
  DEFAULT_SETTINGS,
} from "../analysis/tokens/covariance_settings.ts";
import { readTokens } from "../analysis/tokens/read_tokens.ts";
import { selectedList } from "../analysis/tokens/selected_list.ts";
import { ReadError, UserError } from "../formats/errors.ts";
import { printable } from "../formats/printable.ts";
import { writeWhole } from "../formats/write.ts";
import { type Arguments, numberOf, parseArguments } from "./common/arguments.ts";
import { OUT_HELP, printError, runCommand, UsageError, withProgress } from "./common/command.ts";
import { expandInputs, printSkipped } from "./common/inputs.ts";
import { checkOutFolder } from "./common/out_folder.ts";
import { checkOutputs, outputNames } from "./common/output_names.ts";

const HELP = `Shows the token covariances of a batch, and which tokens Clip-Cov and KL-Cov select.

  deno task cov FILE… [options]

FILE is a dump of tokens with log_prob, advantages, mask and, if you have it, old_log_prob: safetensors
or npz (arrays [tokens] or [sequences, tokens]), JSON lines (a token or a sequence per line), or the token
export of prime-rl; gzipped, too. It may be a pipe, and - is standard input. A folder or a glob stands for
its files. Each file is one batch: join what several ranks wrote (cat rank_*.jsonl | deno task cov -).

  --kl-cov-ratio SHARE      k, KL-Cov's share of the tokens (default ${DEFAULT_SETTINGS.klCovRatio}, the paper's for 7B)
  --clip-cov-ratio SHARE    r, Clip-Cov's share of the tokens (default ${DEFAULT_SETTINGS.clipCovRatio})
  --covariance-low NUMBER   Clip-Cov selects from tokens with a covariance above this (default ${DEFAULT_SETTINGS.covarianceLow})
  --covariance-high NUMBER  and below this (default ${DEFAULT_SETTINGS.covarianceHigh})
  --seed INTEGER            seed of Clip-Cov's sample (default ${DEFAULT_SETTINGS.seed})
  --definition NAME         paper (Eqs. 10-14) or verl (at least one token; tokens that PPO clips are no
                            candidates of Clip-Cov); default ${DEFAULT_SETTINGS.definition}
  --out DIR                 ${OUT_HELP}:
                            a histogram, NAME.cov.svg and NAME.cov.png, and the list of selected tokens,
                            NAME.selected.jsonl, where NAME is that of FILE; without it nothing is written
  --json                    print the numbers as one JSON object per dump, and nothing else, on stdout

In the list, sequences and positions count from 0. A file that is read, or that this command did not write,
is never replaced. What is compressed more than 250-fold (JSON lines: 50-fold) is refused where it would take
more than 512 MiB (128 MiB) when it is read.
`;

const OPTIONS = {
  "kl-cov-ratio": { type: "string" },
  "clip-cov-ratio": { type: "string" },
  "covariance-low": { type: "string" },
  "covariance-high": { type: "string" },
  seed: { type: "string" },
  definition: { type: "string", default: DEFAULT_SETTINGS.definition },
  out: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

/** What the command line calls the settings that are numbers. */
const NUMBERS = {
  klCovRatio: "kl-cov-ratio",
  clipCovRatio: "clip-cov-ratio",
  covarianceLow: "covariance-low",
  covarianceHigh: "covariance-high",
  seed: "seed",
} as const;

const PICTURE = ".cov";
const LIST = ".selected.jsonl";
/** Of the files that are written for a dump. */
const ENDINGS = [`${PICTURE}.svg`, `${PICTURE}.png`, LIST];

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  if (positionals.length === 0) throw new UsageError("name at least one token dump (see --help).");
  const settings = settingsOf(values);

  const inputs = await expandInputs(positionals);
  const paths = inputs.map(({ path }) => path);
  const places = values.out === undefined ? [] : await placesOf(paths, values.out);
  let [done, failed] = [0, 0];
  const skipped: string[] = [];
  for (const [i, { path, named }] of inputs.entries()) {
    try {
      await show(path, settings, { isJson: values.json, place: places[i] });
      done++;
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      if (named) {
        printError(error.message);
        failed++;
      } else skipped.push(path);
    }
  }
  printSkipped(skipped, "no tokens");
  if (done === 0 && failed === 0) printError(`no token dump in ${positionals.join(", ")}.`);
  if (done > 0 && values.out === undefined && !values.json) {
    console.log("a picture and the list of selected tokens: --out DIR");
  }
  return done > 0 && failed === 0;
}

function settingsOf(values: Arguments<typeof OPTIONS>["values"]): CovarianceSettings {
  const { definition } = values;
  if (definition !== "paper" && definition !== "verl") {
    throw new UsageError(`--definition is ${definition}, expected paper or verl.`);
  }
  const numbers = Object.entries(NUMBERS).flatMap(([setting, option]) =>
    values[option] === undefined ? [] : [[setting, numberOf(`--${option}`, values[option])]]
  );
  const settings: CovarianceSettings = {
    ...DEFAULT_SETTINGS,
    ...Object.fromEntries(numbers),
    definition,
  };
  try {
    checkSettings(
      settings,
      (setting) => `--${setting === "definition" ? setting : NUMBERS[setting]}`,
    );
  } catch (error) {
    if (error instanceof UserError) throw new UsageError(error.message);
    throw error;
  }
  return settings;
}

/** Where a dump's files are written. */
interface Place {
  folder: string;
  /** Of its files, without their endings. */
  name: string;
}

/** @throws {UserError} if a file would be lost that is read, or that no command wrote. */
async function placesOf(paths: readonly string[], folder: string): Promise<Place[]> {
  const names = outputNames(paths, /(?:\.safetensors|\.npz|\.jsonl?)?(?:\.gz)?$/);
  await checkOutFolder(folder);
  const outputs = names.flatMap((name) => ENDINGS.map((ending) => join(folder, name + ending)));
  await checkOutputs(outputs, paths, isDump);
  return names.map((name) => ({ folder, name }));
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

/** Reads one dump, prints its numbers, and writes its histogram and its list of selected tokens. */
async function show(
  path: string,
  settings: CovarianceSettings,
  { isJson, place }: { isJson: boolean; place: Place | undefined },
): Promise<void> {
  using tokens = await withProgress(`reading ${path}`, () => readTokens(path));
  const report = await withProgress(
    "computing",
    () => Promise.resolve().then(() => covarianceReport(tokens, settings)),
  );
  console.log(isJson ? covarianceJson(tokens, report) : covarianceText(tokens, report));
  if (place === undefined) return;
  const { folder, name } = place;
  await withProgress("writing", async () => {
    await writeWhole(join(folder, name + LIST), selectedList(tokens, report));
    // Vega and its renderer are loaded only now: a large dump wants the memory first.
    const { writeMarkedFigure } = await import("../analysis/figures/draw.ts");
    const figure = covarianceFigure(basename(tokens.source), report);
    await writeMarkedFigure(folder, name + PICTURE, figure);
  });
  if (!isJson) {
    const [svg, png, list] = ENDINGS.map((ending) => join(folder, name + ending));
    console.log(`wrote ${printable(`${svg}, ${png} and ${list}`)}\n`);
  }
}

await runCommand(main);
