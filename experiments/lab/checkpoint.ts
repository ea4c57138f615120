import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { jsonDigest, tensorDigest, tensorDigests } from "./digest.ts";
import { LabError } from "./errors.ts";
import {
  type Architecture,
  ConfigError,
  expectLayers,
  type ModelConfig,
  parameterShapes,
} from "./families.ts";
import { UserError } from "../../formats/errors.ts";
import { shownName } from "../../formats/printable.ts";
import {
  type NamedTensor,
  readHeader,
  readSafetensors,
  type TensorData,
  writeSafetensors,
} from "../../formats/safetensors.ts";
import type { TensorEntry } from "../../formats/safetensors_header.ts";
import { describeIssue, shown } from "./schema.ts";
import { validateConfig } from "./validate_config.ts";

/** What AdamW knows; its moments have the names and shapes of the parameters. */
export interface OptimizerState {
  /** Updates so far. */
  readonly step: number;
  /** Means of gradients by parameter. */
  readonly firstMoments: ReadonlyMap<string, TensorData>;
  /** Means of squared gradients by parameter. */
  readonly secondMoments: ReadonlyMap<string, TensorData>;
}

/** What a trainer needs to go on, such as its step and seeds: plain JSON. */
export type Trainer = Readonly<Record<string, unknown>>;

/**
 * A model at rest, as a folder: `config.json` and `model.safetensors` as Hugging Face's, and beside them
 * `optimizer.safetensors` and `trainer.json` where the model is to be trained on. `trainer.json` also holds a
 * digest of everything in the folder, so that what was not written by the trainer is not read as if it were.
 */
export interface Checkpoint<T extends Trainer = Trainer> {
  /** The architecture. */
  readonly config: ModelConfig;
  /** The task of the lab that a base model was made for. */
  readonly task?: string;
  /** The parameters by Hugging Face's names. */
  readonly parameters: ReadonlyMap<string, TensorData>;
  /** The optimizer's state. */
  readonly optimizer?: OptimizerState;
  /** What else the trainer needs to go on. */
  readonly trainer?: T;
}

/** A checkpoint that cannot be written or read. */
export class CheckpointError extends LabError {
  /** The class, as `Error.name`. */
  override name = "CheckpointError";
}

const CONFIG = "config.json";
const MODEL = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const OPTIMIZER = "optimizer.safetensors";
const TRAINER = "trainer.json";
/** Where `config.json` names a base model's task. */
const TASK = "lab_task";
const FIRST = "first_moment.";
const SECOND = "second_moment.";

/** The files that {@linkcode writeCheckpoint} writes: a folder that holds another is never removed. */
const FILES: ReadonlySet<string> = new Set([CONFIG, MODEL, OPTIMIZER, TRAINER]);

/** What {@linkcode writeCheckpoint} makes of a folder's name, for what is not or no more the checkpoint. */
export const [WRITING, PREVIOUS] = [".writing", ".previous"];

/**
 * Writes a checkpoint whole or not at all, in the place of the one before: as `FOLDER.writing`, put on the
 * disk, then renamed; the one before it is `FOLDER.previous` meanwhile, and reading falls back on it should
 * all end between the two renames. Only one process may write to a folder.
 *
 * @throws {CheckpointError} if a tensor does not fit the configuration, what is at the place is no checkpoint
 * and nothing but one, or the folder cannot be written: the disk is full, say. What was there still is.
 * @throws {UserError} if a tensor has not as many values as its shape says.
 */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  await write(folder, checkpoint, replace);
}

/**
 * Writes a checkpoint whole or not at all, where there is nothing yet.
 *
 * @throws {CheckpointError} as {@linkcode writeCheckpoint}, or if anything is at the place.
 * @throws {UserError} if a tensor has not as many values as its shape says.
 */
export async function writeNewCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  await write(folder, checkpoint, async (place, complete) => {
    if (await exists(place)) {
      throw new CheckpointError(`${folder} is there already, expected nothing at its place.`);
    }
    await Deno.rename(complete, place);
    await syncFolder(dirname(place));
  });
}

async function write(
  folder: string,
  checkpoint: Checkpoint,
  put: (place: string, complete: string) => Promise<void>,
): Promise<void> {
  const { config, task, parameters, optimizer, trainer } = checkpoint;
  const shapes = parameterShapes(config);
  for (const tensors of [parameters, optimizer?.firstMoments, optimizer?.secondMoments]) {
    if (tensors !== undefined) checkTensors(folder, shapes, tensors);
  }
  const place = resolve(folder);
  const temporary = place + WRITING;
  try {
    await removeFolder(temporary);
    await Deno.mkdir(temporary, { recursive: true });
    await writeJson(join(temporary, CONFIG), {
      ...config,
      torch_dtype: "float32",
      ...(task === undefined ? {} : { [TASK]: task }),
    });
    await writeSafetensors(join(temporary, MODEL), parameters);
    if (optimizer !== undefined) await writeOptimizer(join(temporary, OPTIMIZER), optimizer);
    if (trainer !== undefined) {
      await writeJson(join(temporary, TRAINER), { ...trainer, sha256: digestsOf(checkpoint) });
    }
    await syncFolder(temporary);
    await put(place, temporary);
  } catch (error) {
    await removeFolder(temporary).catch(() => {});
    if (error instanceof UserError) throw error;
    const { message } = error as Error;
    throw new CheckpointError(`the checkpoint ${folder} cannot be written: ${message}.`, {
      cause: error,
    });
  }
}

/** Puts a folder in the place of another, which is there until this one is. */
async function replace(place: string, complete: string): Promise<void> {
  const previous = place + PREVIOUS;
  if (await exists(place)) {
    await removeFolder(previous);
    await expectReplaceable(place);
    await Deno.rename(place, previous);
  }
  try {
    await Deno.rename(complete, place);
  } catch (error) {
    if (await exists(previous)) await Deno.rename(previous, place);
    throw error;
  }
  await syncFolder(dirname(place));
  // What is left of it does no harm: the next checkpoint removes it.
  await removeFolder(previous).catch(() => {});
}

/** Whether there is a checkpoint to read. */
export async function hasCheckpoint(folder: string): Promise<boolean> {
  return await exists(folder) || await exists(resolve(folder) + PREVIOUS);
}

/**
 * Throws unless a checkpoint could be written here in the place of what is there.
 *
 * @throws {CheckpointError} if that is anything but a checkpoint, or cannot be read.
 */
export async function expectWritable(folder: string): Promise<void> {
  for (const place of placesOf(folder)) await expectReplaceable(place);
}

/**
 * Removes a checkpoint with all that was left of writing it, if there is one.
 *
 * @throws {CheckpointError} if it is anything but a checkpoint, which is left as it is, or cannot be removed.
 */
export async function removeCheckpoint(folder: string): Promise<void> {
  for (const place of placesOf(folder)) await removeFolder(place);
}

/** Where writing a checkpoint puts something. */
function placesOf(folder: string): string[] {
  return ["", PREVIOUS, WRITING].map((ending) => resolve(folder) + ending);
}

/**
 * Reads a checkpoint into memory.
 *
 * @param schema What the trainer's part must be; any JSON object by default.
 * @throws {CheckpointError} if there is none, or something of it is missing, of another shape, or not what was
 * written beside `trainer.json`.
 * @throws {ConfigError} as {@linkcode readParameters}.
 * @throws {ReadError} if a file of tensors is missing, damaged or cut off.
 */
export async function readCheckpoint<T extends Trainer = Trainer>(
  folder: string,
  schema?: z.ZodType<T>,
): Promise<Checkpoint<T>> {
  const place = await find(folder);
  const saved = await exists(join(place, TRAINER))
    ? await readTrainer(join(place, TRAINER), schema)
    : undefined;
  const config = await readConfig(place);
  const expected = saved?.digests;
  if (expected !== undefined) {
    checkDigest(join(place, CONFIG), "it", jsonDigest(config), expected[CONFIG]);
  }
  const parameters = new Map<string, TensorData>();
  for await (const { name, shape, data } of readParameters(place, config)) {
    const tensor = { shape, data };
    if (expected !== undefined) {
      checkDigest(join(place, MODEL), name, tensorDigest(tensor), expected[MODEL][name]);
    }
    parameters.set(name, tensor);
  }
  const hasOptimizer = expected?.[OPTIMIZER] !== undefined || await exists(join(place, OPTIMIZER));
  return {
    config,
    parameters,
    ...(hasOptimizer
      ? { optimizer: await readOptimizer(join(place, OPTIMIZER), config, expected?.[OPTIMIZER]) }
      : {}),
    ...(saved === undefined ? {} : { trainer: saved.trainer }),
  };
}

const digest = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
const digestsByName = z.record(z.string(), digest);

/** SHA-256 of what a checkpoint's files hold; of `trainer.json` itself, what is in it but for its own. */
const DIGESTS = z.strictObject({
  [CONFIG]: digest,
  [MODEL]: digestsByName,
  [OPTIMIZER]: digestsByName.optional(),
  [TRAINER]: digest,
});

type Digests = z.infer<typeof DIGESTS>;

/** The text about the optimizer's file, among its tensors; safetensors keeps the name for that. */
const METADATA = "__metadata__";

function digestsOf({ config, parameters, optimizer, trainer }: Checkpoint): Digests {
  const others = {
    [CONFIG]: jsonDigest(config),
    [MODEL]: tensorDigests(parameters),
    ...(optimizer === undefined ? {} : {
      [OPTIMIZER]: {
        [METADATA]: jsonDigest({ step: optimizer.step }),
        ...tensorDigests(momentsOf(optimizer)),
      },
    }),
  };
  return { ...others, [TRAINER]: jsonDigest({ ...trainer, sha256: others }) };
}

/** Reads `trainer.json`: whose trainer it is first, then whether it is as it was written. */
async function readTrainer<T extends Trainer>(
  path: string,
  schema: z.ZodType<T> | undefined,
): Promise<{ trainer: T; digests: Digests }> {
  const json = await readJson(path);
  try {
    const { sha256, ...rest } = checked(path, z.record(z.string(), z.unknown()), json);
    const trainer = checked(path, schema ?? z.custom<T>(), rest);
    const { sha256: digests } = checked(path, z.object({ sha256: DIGESTS }), { sha256 });
    const { [TRAINER]: own, ...others } = digests;
    checkDigest(path, "it", jsonDigest({ ...rest, sha256: others }), own);
    return { trainer, digests };
  } catch (error) {
    // JSON is read to any depth, but not written.
    if (!(error instanceof RangeError)) throw error;
    throw new CheckpointError(`${path} is nested too deeply, expected what a trainer wrote.`);
  }
}

/** A part of `trainer.json` that a schema describes. */
function checked<T>(path: string, schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new CheckpointError(`${path}: ${describeIssue(result.error.issues[0]!, json)}.`);
}

function checkDigest(path: string, what: string, found: string, written: string | undefined): void {
  if (found === written) return;
  const [now, then] = [found, written].map((digest) => digest?.slice(0, 12).concat("…") ?? "none");
  throw new CheckpointError(
    `${path}: ${what} is not what was written, its SHA-256 is ${now}, expected ${then}.`,
  );
}

/**
 * Reads the configuration of a checkpoint, ours or one from the Hugging Face hub.
 *
 * @throws {CheckpointError} if there is none, or it asks for what this implementation does not have.
 */
export async function readConfig(folder: string): Promise<ModelConfig> {
  const path = join(await find(folder), CONFIG);
  const json = await readJson(path);
  try {
    return validateConfig(json);
  } catch (error) {
    if (error instanceof ConfigError) throw new CheckpointError(`${path}: ${error.message}`);
    throw error;
  }
}

/** The task of the lab that a base model was made for, or undefined where the checkpoint does not tell. */
export async function readTask(folder: string): Promise<string | undefined> {
  const json = await readJson(join(await find(folder), CONFIG)) as Record<string, unknown> | null;
  const task = json?.[TASK];
  return typeof task === "string" ? task : undefined;
}

/**
 * Reads the parameters of a checkpoint one after another, from one file or from several with an index. Before
 * the first is given, all are known to be there, whole and of their shapes.
 *
 * @throws {CheckpointError} if a parameter is missing, has another shape, is one that the configuration has
 * no place for, or is in two files.
 * @throws {ConfigError} if the configuration has far more layers than there are tensors.
 * @throws {ReadError} if a file is missing, damaged or cut off.
 */
export async function* readParameters(
  folder: string,
  config: Architecture,
): AsyncGenerator<NamedTensor> {
  const place = await find(folder);
  const isSharded = !await exists(join(place, MODEL)) && await exists(join(place, INDEX));
  const paths = isSharded ? await readIndex(join(place, INDEX)) : [join(place, MODEL)];
  const found = new Map<string, TensorEntry>();
  for (const path of paths) addTensors(found, path, (await readHeader(path)).tensors);
  expectLayers(isSharded ? place : paths[0]!, config, found.size);
  const shapes = parameterShapes(config);
  checkTensors(isSharded ? place : paths[0]!, shapes, found);
  for (const path of paths) {
    yield* readSafetensors(path, (name) => Object.hasOwn(shapes, name));
  }
}

/** Adds the tensors of a file to those of the model's others. */
function addTensors(
  all: Map<string, TensorEntry>,
  path: string,
  tensors: ReadonlyMap<string, TensorEntry>,
): void {
  for (const [name, entry] of tensors) {
    if (all.has(name)) {
      throw new CheckpointError(
        `${path} has the tensor ${shownName(name)}, which another file of the model has as well.`,
      );
    }
    all.set(name, entry);
  }
}

/** The files of an index, each once. */
async function readIndex(path: string): Promise<string[]> {
  const { weight_map: files } = (await readJson(path) ?? {}) as { weight_map?: unknown };
  const names = typeof files === "object" && files !== null ? Object.values(files) : [];
  if (names.length === 0) {
    throw new CheckpointError(`${path} has no weight_map, expected the file of each tensor.`);
  }
  for (const name of names) {
    if (typeof name === "string" && /^[^/\\]+\.safetensors$/.test(name)) continue;
    throw new CheckpointError(
      `${path} names the file ${JSON.stringify(name)}, expected a safetensors file beside it.`,
    );
  }
  return Array.from(new Set(names), (name: string) => join(dirname(path), name));
}

async function writeOptimizer(path: string, optimizer: OptimizerState): Promise<void> {
  await writeSafetensors(path, momentsOf(optimizer), { step: String(optimizer.step) });
}

/** The moments by their names in the file. */
function momentsOf({ firstMoments, secondMoments }: OptimizerState): Map<string, TensorData> {
  const tensors = new Map<string, TensorData>();
  for (const [name, moment] of firstMoments) tensors.set(FIRST + name, moment);
  for (const [name, moment] of secondMoments) tensors.set(SECOND + name, moment);
  return tensors;
}

async function readOptimizer(
  path: string,
  config: Architecture,
  expected: Readonly<Record<string, string>> | undefined,
): Promise<OptimizerState> {
  const { metadata, tensors } = await readHeader(path);
  const step = Number(metadata["step"] ?? NaN);
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new CheckpointError(`${path} names no step, expected the number of updates so far.`);
  }
  const shapes = Object.entries(parameterShapes(config));
  const all = [FIRST, SECOND].flatMap((start) =>
    shapes.map(([name, shape]) => [start + name, shape] as const)
  );
  checkTensors(path, Object.fromEntries(all), tensors);
  if (expected !== undefined) {
    checkDigest(path, `the step ${step}`, jsonDigest({ step }), expected[METADATA]);
  }
  const [firstMoments, secondMoments] = [new Map(), new Map()];
  for await (const { name, shape, data } of readSafetensors(path)) {
    const moment = { shape, data };
    if (expected !== undefined) checkDigest(path, name, tensorDigest(moment), expected[name]);
    if (name.startsWith(FIRST)) firstMoments.set(name.slice(FIRST.length), moment);
    else secondMoments.set(name.slice(SECOND.length), moment);
  }
  return { step, firstMoments, secondMoments };
}

/** Tensors that some checkpoints hold although they follow from others. */
const REDUNDANT = /^lm_head\.weight$|\.rotary_emb\.inv_freq$/;

function checkTensors(
  where: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  found: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): void {
  for (const [name, expected] of Object.entries(shapes)) {
    const shape = found.get(name)?.shape;
    if (shape === undefined) throw new CheckpointError(`${where} has no tensor ${name}.`);
    if (shape.length !== expected.length || shape.some((extent, i) => extent !== expected[i])) {
      throw new CheckpointError(`${where}: ${name} is [${shape}], expected [${expected}].`);
    }
  }
  for (const name of found.keys()) {
    if (Object.hasOwn(shapes, name) || REDUNDANT.test(name)) continue;
    throw new CheckpointError(
      `${where} has the tensor ${name}, for which the configuration has no place.`,
    );
  }
}

/** The folder that holds the checkpoint: its own, or the one before it if a replacement was interrupted. */
async function find(folder: string): Promise<string> {
  if (await exists(folder)) return folder;
  const previous = resolve(folder) + PREVIOUS;
  if (await exists(previous)) return previous;
  throw new CheckpointError(`there is no checkpoint ${folder}.`);
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new CheckpointError(`${path} does not exist.`);
    throw new CheckpointError(`${path} cannot be read: ${(error as Error).message}.`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(`${path} is not JSON: ${(error as Error).message}.`);
  }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(value, null, 2) + "\n");
  using file = await Deno.open(path, { write: true });
  await file.sync();
}

/** Puts the names in a folder on the disk; Windows does so by itself and cannot open folders. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using file = await Deno.open(folder);
  await file.sync();
}

/** Removes a folder that a checkpoint was written into, file by file, so that nothing else can go with it. */
async function removeFolder(folder: string): Promise<void> {
  const names = await expectReplaceable(folder);
  if (names === undefined) return;
  try {
    for (const name of names) await Deno.remove(join(folder, name));
    await Deno.remove(folder);
  } catch (error) {
    throw new CheckpointError(`${folder} cannot be removed: ${(error as Error).message}.`);
  }
}

/** The files of a folder, all of them a checkpoint's; undefined where there is nothing. */
async function expectReplaceable(folder: string): Promise<string[] | undefined> {
  if (!await exists(folder)) return undefined;
  const foreign = (what: string) =>
    new CheckpointError(
      `${folder} ${what}, so it is left as it is; move it away, or choose another --out.`,
    );
  try {
    if (!(await Deno.lstat(folder)).isDirectory) throw foreign("is no folder");
    const entries = await Array.fromAsync(Deno.readDir(folder));
    const other = entries.find(({ name, isFile }) => !isFile || !FILES.has(name));
    if (other === undefined) return entries.map(({ name }) => name);
    throw foreign(`holds ${shown(other.name)}, which is no file of a checkpoint`);
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(`${folder} cannot be read: ${(error as Error).message}.`);
  }
}

/** Whether there is anything at a path, a broken link included. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw new CheckpointError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}
