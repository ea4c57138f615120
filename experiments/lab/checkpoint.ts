import { dirname, join, resolve } from "node:path";
import { LabError } from "./errors.ts";
import { type Architecture, ConfigError, type ModelConfig, parameterShapes } from "./families.ts";
import {
  type NamedTensor,
  readHeader,
  readSafetensors,
  type TensorData,
  type TensorEntry,
  writeSafetensors,
} from "./safetensors.ts";
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

/**
 * A model at rest, as a folder: `config.json` and `model.safetensors` as Hugging Face's, and beside them
 * `optimizer.safetensors` and `trainer.json` where the model is to be trained on.
 */
export interface Checkpoint {
  /** The architecture. */
  readonly config: ModelConfig;
  /** The parameters by Hugging Face's names. */
  readonly parameters: ReadonlyMap<string, TensorData>;
  /** The optimizer's state. */
  readonly optimizer?: OptimizerState;
  /** What else the trainer needs to go on, such as its step and seeds: plain JSON. */
  readonly trainer?: unknown;
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
const FIRST = "first_moment.";
const SECOND = "second_moment.";

/**
 * Writes a checkpoint whole or not at all: as `FOLDER.writing`, put on the disk, then renamed; the one before
 * it is `FOLDER.previous` meanwhile, and reading falls back on it should all end between the two renames.
 * Only one process may write to a folder.
 *
 * @throws {CheckpointError} if a tensor does not fit the configuration, or the folder cannot be written: the
 * disk is full, say. A checkpoint that was there still is.
 * @throws {SafetensorsError} if a tensor has not as many values as its shape says.
 */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  const { config, parameters, optimizer, trainer } = checkpoint;
  const shapes = parameterShapes(config);
  for (const tensors of [parameters, optimizer?.firstMoments, optimizer?.secondMoments]) {
    if (tensors !== undefined) checkTensors(folder, shapes, tensors);
  }
  const place = resolve(folder);
  const temporary = `${place}.writing`;
  try {
    await removeFolder(temporary);
    await Deno.mkdir(temporary, { recursive: true });
    await writeJson(join(temporary, CONFIG), { ...config, torch_dtype: "float32" });
    await writeSafetensors(join(temporary, MODEL), parameters);
    if (optimizer !== undefined) await writeOptimizer(join(temporary, OPTIMIZER), optimizer);
    if (trainer !== undefined) await writeJson(join(temporary, TRAINER), trainer);
    await syncFolder(temporary);
    await replace(place, temporary);
  } catch (error) {
    await removeFolder(temporary).catch(() => {});
    if (error instanceof LabError) throw error;
    const { message } = error as Error;
    throw new CheckpointError(`the checkpoint ${folder} cannot be written: ${message}.`, {
      cause: error,
    });
  }
}

/** Puts a folder in the place of another, which is there until this one is. */
async function replace(place: string, complete: string): Promise<void> {
  const previous = `${place}.previous`;
  if (await exists(place)) {
    await removeFolder(previous);
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
  return await exists(folder) || await exists(`${resolve(folder)}.previous`);
}

/** Removes a checkpoint, if there is one. */
export async function removeCheckpoint(folder: string): Promise<void> {
  for (const place of [resolve(folder), `${resolve(folder)}.previous`]) await removeFolder(place);
}

/**
 * Reads a checkpoint into memory.
 *
 * @throws {CheckpointError} if there is none, or something of it is missing, damaged or of another shape.
 */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const config = await readConfig(folder);
  const parameters = new Map<string, TensorData>();
  for await (const { name, shape, data } of readParameters(folder, config)) {
    parameters.set(name, { shape, data });
  }
  const place = await find(folder);
  return {
    config,
    parameters,
    ...(await exists(join(place, OPTIMIZER))
      ? { optimizer: await readOptimizer(join(place, OPTIMIZER), config) }
      : {}),
    ...(await exists(join(place, TRAINER))
      ? { trainer: await readJson(join(place, TRAINER)) }
      : {}),
  };
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

/**
 * Reads the parameters of a checkpoint one after another, from one file or from several with an index. Before
 * the first is given, all are known to be there, whole and of their shapes.
 *
 * @throws {CheckpointError} if a parameter is missing, has another shape, or is one that the configuration has
 * no place for.
 * @throws {SafetensorsError} if a file is missing, damaged or cut off.
 */
export async function* readParameters(
  folder: string,
  config: Architecture,
): AsyncGenerator<NamedTensor> {
  const place = await find(folder);
  const isSharded = !await exists(join(place, MODEL)) && await exists(join(place, INDEX));
  const paths = isSharded ? await readIndex(join(place, INDEX)) : [join(place, MODEL)];
  const found = new Map<string, TensorEntry>();
  for (const path of paths) {
    for (const [name, entry] of (await readHeader(path)).tensors) found.set(name, entry);
  }
  const shapes = parameterShapes(config);
  checkTensors(isSharded ? place : paths[0]!, shapes, found);
  for (const path of paths) {
    yield* readSafetensors(path, (name) => Object.hasOwn(shapes, name));
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

async function writeOptimizer(
  path: string,
  { step, firstMoments, secondMoments }: OptimizerState,
): Promise<void> {
  const tensors = new Map<string, TensorData>();
  for (const [name, moment] of firstMoments) tensors.set(FIRST + name, moment);
  for (const [name, moment] of secondMoments) tensors.set(SECOND + name, moment);
  await writeSafetensors(path, tensors, { step: String(step) });
}

async function readOptimizer(path: string, config: Architecture): Promise<OptimizerState> {
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
  const [firstMoments, secondMoments] = [new Map(), new Map()];
  for await (const { name, shape, data } of readSafetensors(path)) {
    if (name.startsWith(FIRST)) firstMoments.set(name.slice(FIRST.length), { shape, data });
    else secondMoments.set(name.slice(SECOND.length), { shape, data });
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
  const previous = `${resolve(folder)}.previous`;
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

async function removeFolder(folder: string): Promise<void> {
  if (await exists(folder)) await Deno.remove(folder, { recursive: true });
}

async function exists(path: string): Promise<boolean> {
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
