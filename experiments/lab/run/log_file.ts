import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { BusyError, LabError } from "../errors.ts";

/** A log that cannot be opened or written. */
export class RunLogError extends LabError {
  /** The class, as `Error.name`. */
  override name = "RunLogError";
}

/** What a person can do whose run cannot be begun or resumed, without losing anything. */
export const BEGIN_ANOTHER = "another --seed or --out begins another run";

/** A finished log larger than this is compressed, in bytes. */
const LARGEST_PLAIN = 250_000;

/** What is at the place of a log. */
export type LogState = "missing" | "empty" | "begun";

/**
 * Looks at the place of a log without changing anything.
 *
 * @throws {BusyError} if another process writes it.
 * @throws {RunLogError} if the log is finished, or what is there is no file.
 */
export async function inspectLog(path: string): Promise<LogState> {
  await expectUnfinished(path);
  try {
    if (!(await Deno.stat(path)).isFile) {
      throw new RunLogError(`${path} is no file, expected a log or nothing; ${BEGIN_ANOTHER}.`);
    }
    using file = await Deno.open(path);
    // NFS gives a file that is open for reading no exclusive lock.
    await lock(path, file, false);
    return (await file.stat()).size === 0 ? "empty" : "begun";
  } catch (error) {
    if (isMissing(error)) return "missing";
    if (error instanceof LabError) throw error;
    throw new RunLogError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}

/**
 * Opens the file of a log for this process alone, and changes nothing in it.
 *
 * @param path The log, `….jsonl`; its folder is made where it is missing.
 * @param isNew Whether the file is made where it is missing, as that of a new run.
 * @throws {BusyError} if another process writes it.
 * @throws {RunLogError} if the log is finished, the file is missing and not made, or cannot be written.
 */
export async function openLogFile(path: string, isNew: boolean): Promise<LogFile> {
  await expectUnfinished(path);
  const file = await openFile(path, isNew);
  try {
    await lock(path, file, true);
    // It may have been finished since the file was opened.
    await expectUnfinished(path);
    return new LogFile(path, file, (await file.stat()).size);
  } catch (error) {
    file.close();
    throw asRunLogError(path, error);
  }
}

/** A file of JSON lines that no other process writes until it is closed; the end of the process closes it, too. */
export class LogFile implements Disposable {
  /** Where it is. */
  readonly path: string;
  readonly #file: Deno.FsFile;
  /** Bytes that are to stay. */
  #end: number;
  #isOpen = true;

  /** Made by {@linkcode openLogFile}. */
  constructor(path: string, file: Deno.FsFile, end: number) {
    this.path = path;
    this.#file = file;
    this.#end = end;
  }

  /** Whether it can be written. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Its length in bytes. */
  get size(): number {
    return this.#end;
  }

  /**
   * All bytes.
   *
   * @throws {RunLogError} if they cannot be read.
   */
  async read(): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await readAll(this.#file);
    } catch (error) {
      throw asRunLogError(this.path, error);
    }
  }

  /**
   * Cuts off what comes after the first bytes; where nothing does, nothing is written.
   *
   * @throws {RunLogError} if that fails.
   */
  async cut(end: number): Promise<void> {
    if (end === this.#end) return;
    try {
      await this.#file.truncate(end);
      await this.#file.sync();
      this.#end = end;
    } catch (error) {
      throw asRunLogError(this.path, error);
    }
  }

  /**
   * Appends lines and waits until they are on the disk. Numbers that are not finite become null.
   *
   * @throws {RunLogError} if that fails; what was written of them is taken back.
   */
  async append(lines: readonly unknown[]): Promise<void> {
    const text = lines.map((line) => JSON.stringify(line) + "\n").join("");
    const bytes = new TextEncoder().encode(text);
    try {
      for (let done = 0; done < bytes.length;) {
        done += await this.#file.write(bytes.subarray(done));
      }
      await this.#file.sync();
      this.#end += bytes.length;
    } catch (error) {
      await this.#file.truncate(this.#end).catch(() => {});
      throw asRunLogError(this.path, error);
    }
  }

  /**
   * Closes the file, compressed to `.jsonl.gz` if it is larger than 250 kB.
   *
   * @returns The path of what there is then.
   * @throws {RunLogError} if it cannot be compressed; the file is then as it was.
   */
  async finish(): Promise<string> {
    try {
      return this.#end > LARGEST_PLAIN ? await compress(this.path, this.#file) : this.path;
    } finally {
      this[Symbol.dispose]();
    }
  }

  /** Lets go of the file. */
  [Symbol.dispose](): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

async function lock(path: string, file: Deno.FsFile, isExclusive: boolean): Promise<void> {
  // The system drops the lock with the process, however that ends.
  if (await file.tryLock(isExclusive)) return;
  throw new BusyError(`${path} is being written by another process.`);
}

async function expectUnfinished(path: string): Promise<void> {
  if (await Deno.lstat(`${path}.gz`).then(() => true, () => false)) {
    throw new RunLogError(`${path} is finished: ${path}.gz is there; ${BEGIN_ANOTHER}.`);
  }
}

async function openFile(path: string, create: boolean): Promise<Deno.FsFile> {
  try {
    if (create) await Deno.mkdir(dirname(path), { recursive: true });
    return await Deno.open(path, { read: true, append: true, create });
  } catch (error) {
    if (!isMissing(error) || create) throw asRunLogError(path, error);
    throw new RunLogError(
      `${path} does not exist, expected the log of the run to resume; ${BEGIN_ANOTHER}.`,
    );
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** Reads through the handle that has the lock: on Windows no other may read. */
async function readAll(file: Deno.FsFile): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array((await file.stat()).size);
  await file.seek(0, Deno.SeekMode.Start);
  let done = 0;
  while (done < bytes.length) {
    const got = await file.read(bytes.subarray(done));
    if (got === null) break;
    done += got;
  }
  return bytes.subarray(0, done);
}

async function compress(path: string, file: Deno.FsFile): Promise<string> {
  const compressed = `${path}.gz`;
  const temporary = `${compressed}.writing`;
  // It may have come while the run went on.
  await expectUnfinished(path);
  try {
    if ((await Deno.lstat(temporary).catch(() => undefined))?.isFile) await Deno.remove(temporary);
    await writeCompressed(temporary, await readAll(file));
    await Deno.rename(temporary, compressed);
    await Deno.remove(path);
    return compressed;
  } catch (error) {
    throw asRunLogError(compressed, error);
  }
}

/** Writes a new file, whole or not at all. */
async function writeCompressed(path: string, plain: Uint8Array<ArrayBuffer>): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  try {
    // Not by a stream: in Deno 2.9.6 pipeTo(file.writable) ends before all is written.
    const compressed = gzipSync(plain);
    for (let done = 0; done < compressed.length;) {
      done += await file.write(compressed.subarray(done));
    }
    await file.sync();
  } catch (error) {
    await Deno.remove(path).catch(() => {});
    throw error;
  }
}

function asRunLogError(path: string, error: unknown): LabError {
  if (error instanceof LabError) return error;
  const { message } = error as Error;
  return new RunLogError(`${path} cannot be written: ${message}.`, { cause: error });
}
