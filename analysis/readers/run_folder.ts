import { join } from "node:path";
import { ReadError } from "../../formats/errors.ts";
import { LogSource } from "./log_source.ts";
import { parseNumber } from "./parse_number.ts";
import { isStep } from "./step_value.ts";

/** Logs that a program left in a folder of its own. */
export interface RunFolder {
  /** How its logs are read: the folder as one run, or each path as a log. */
  readonly kind: "tensorboard" | "mlflow" | "files";
  /** The files to read, in their order; of `mlflow` the folder. */
  readonly paths: readonly string[];
  /** Names of entries in the folder that these stand for, so that nobody reads them once more. */
  readonly covered: ReadonlySet<string>;
}

/** What a W&B run keeps beside its log: the same numbers again, or none. */
const WANDB_PARTS = ["files", "logs", "tmp"];

/**
 * What a folder is that belongs to one run: TensorBoard's event files, MLflow's metrics, a W&B run, or the
 * checkpoints of a Hugging Face Trainer, of which the last has the history of all. Undefined if it is none.
 *
 * @throws {ReadError} if the folder cannot be read.
 */
export async function runFolder(folder: string): Promise<RunFolder | undefined> {
  const entries = await entriesOf(folder);
  const names = new Set(entries.map(({ name }) => name));
  const events = entries.filter(({ name, isFile }) => isFile && /tfevents\.\d{9,}/.test(name))
    .map(({ name }) => name);
  if (events.length > 0) {
    return {
      kind: "tensorboard",
      paths: events.map((name) => `${folder}/${name}`),
      covered: new Set(events),
    };
  }
  const hasFolder = (name: string) => entries.some((one) => one.name === name && one.isDirectory);
  const isRun = names.has("meta.yaml") || hasFolder("params") || hasFolder("tags");
  if (hasFolder("metrics") && (isRun || await holdsMetric(`${folder}/metrics`))) {
    return { kind: "mlflow", paths: [folder], covered: names };
  }
  const wandb = entries.filter(({ name, isFile }) => isFile && /^run-.*\.wandb$/.test(name));
  if (wandb.length > 0) {
    return {
      kind: "files",
      paths: wandb.map(({ name }) => `${folder}/${name}`),
      covered: new Set([...wandb.map(({ name }) => name), ...WANDB_PARTS]),
    };
  }
  if (hasFolder("files") && await isWandbRun(folder)) {
    return { kind: "files", paths: [`${folder}/files/output.log`], covered: names };
  }
  return await checkpoints(folder, entries);
}

/** Whether a folder is that of a W&B run whose `.wandb` is gone, but not what it printed. */
async function isWandbRun(folder: string): Promise<boolean> {
  const files = new Set((await entriesOf(`${folder}/files`)).map(({ name }) => name));
  return files.has("output.log") &&
    ["config.yaml", "wandb-metadata.json", "wandb-summary.json"].some((name) => files.has(name));
}

/** Folders that a metric's key has at most: `val-core/gsm8k/acc/mean@1` has three. */
const DEEPEST_KEY = 8;

/** Whether the first file in a folder or its folders is a metric as MLflow writes it: `time value step`. */
async function holdsMetric(folder: string, depth = 0): Promise<boolean> {
  const [first] = await entriesOf(folder);
  if (first === undefined) return false;
  const path = `${folder}/${first.name}`;
  if (first.isDirectory) return depth < DEEPEST_KEY && await holdsMetric(path, depth + 1);
  await using source = await LogSource.open(path);
  const [line = ""] = new TextDecoder().decode(await source.head(200)).split("\n");
  const [time, value, step, ...rest] = line.trim().split(" ").map(parseNumber);
  const isNumber = time !== undefined && value !== undefined && isStep(step ?? -1);
  return isNumber && rest.length === 0;
}

/** The history of the last checkpoint, or that in the folder itself, which was written after all of them. */
async function checkpoints(
  folder: string,
  entries: readonly Entry[],
): Promise<RunFolder | undefined> {
  const state = "trainer_state.json";
  const steps = entries.map(({ name, isDirectory }) =>
    isDirectory ? Number(/^checkpoint-(\d+)$/.exec(name)?.[1] ?? NaN) : NaN
  ).filter((step) => !Number.isNaN(step)).sort((left, right) => right - left);
  const covered = new Set(steps.map((step) => `checkpoint-${step}`));
  const found = [...(entries.some(({ name }) => name === state) ? [state] : [])];
  for (const step of steps) {
    const path = `checkpoint-${step}/${state}`;
    if (await isFile(join(folder, path))) found.push(path);
  }
  if (found.length === 0) return undefined;
  // The same rows are written as JSON lines by ms-swift, and for TensorBoard by default.
  return {
    kind: "files",
    paths: [`${folder}/${found[0]!}`],
    covered: new Set([...covered, state, "logging.jsonl", "trainer_log.jsonl", "runs"]),
  };
}

/**
 * The folders of runs in a folder that holds several: `wandb/`, an experiment of MLflow, `mlruns/`.
 *
 * @throws {ReadError} if a folder cannot be read, or more than 10 000 are there.
 */
export async function runFolders(folder: string): Promise<string[]> {
  const found: string[] = [];
  // A link leads to a run that is there too, such as W&B's latest-run.
  const within = async (path: string) =>
    (await entriesOf(path)).filter(({ isDirectory, isLink, name }) =>
      isDirectory && !isLink && !name.startsWith(".")
    ).map(({ name }) => `${path}/${name}`);
  for (const path of await within(folder)) {
    if (await runFolder(path) !== undefined) found.push(path);
    else {
      for (const inner of await within(path).catch(() => [])) {
        if (await runFolder(inner) !== undefined) found.push(inner);
      }
    }
    if (found.length > MOST_FOLDERS) {
      throw new ReadError(`${folder} holds more than ${MOST_FOLDERS} runs; name them, or fewer.`);
    }
  }
  return found;
}

const MOST_FOLDERS = 10_000;

/** An entry of a folder, links followed. */
interface Entry {
  name: string;
  isFile: boolean;
  isDirectory: boolean;
  isLink: boolean;
}

async function entriesOf(folder: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const { name, isFile, isDirectory, isSymlink } of Deno.readDir(folder)) {
      const info = isSymlink
        ? await Deno.stat(`${folder}/${name}`).catch(() => undefined)
        : { isFile, isDirectory };
      if (info === undefined) continue;
      entries.push({
        name,
        isFile: info.isFile,
        isDirectory: info.isDirectory,
        isLink: isSymlink,
      });
    }
  } catch (error) {
    throw new ReadError(`${folder} cannot be read: ${(error as Error).message}.`);
  }
  return entries.sort((left, right) => left.name < right.name ? -1 : 1);
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
