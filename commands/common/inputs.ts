/** What the file names, folders and globs of a command line stand for. */
import { join } from "node:path";
import { counted } from "../../formats/counted.ts";
import { ReadError } from "../../formats/errors.ts";
import { printable } from "../../formats/printable.ts";
import { runFolder } from "../../analysis/readers/run_folder.ts";
import { isSystem, sentence, withProgress } from "./command.ts";

/** A file to read: `path` as the readers take it. */
export interface Input {
  /** A file, a folder of one run, or `-`: standard input. */
  readonly path: string;
  /** False if it was only found in a folder or by a glob, so it may be no log at all. */
  readonly named: boolean;
}

/** A search goes no further: whoever names a whole disk is told so instead of waiting for hours. */
const MOST_ENTRIES = 10_000;

/** Trees of the kernel, whose files may block or never end; searched only where they are named. */
const KERNEL_FOLDERS: ReadonlySet<string> = new Set(["/proc", "/sys", "/dev"]);

/**
 * The logs that file names, folders and globs stand for. `-` is standard input. Folders are searched to
 * their depths, hidden entries left out, for regular files and links to such; of a folder or file that
 * is reached twice, as by links, the first is taken. What cannot be read in a folder is left out, and
 * named on stderr.
 *
 * @throws {ReadError} if a name stands for nothing, a named folder cannot be read, or a folder or glob
 * stands for more than 10 000 files and folders.
 */
export async function expandInputs(names: readonly string[]): Promise<Input[]> {
  const unreadable: string[] = [];
  const inputs: Input[] = [];
  await withProgress("searching", async () => {
    for (const name of names) {
      const info = name === "-" ? undefined : await Deno.stat(name).catch(() => undefined);
      if (info?.isDirectory) inputs.push(...await inFolder(name, unreadable));
      else if (info !== undefined || !/[*?[{]/.test(name)) inputs.push({ path: name, named: true });
      else inputs.push(...await matching(name, unreadable));
    }
  });
  if (unreadable.length > 0) {
    const entries = counted(unreadable.length, "entry", "entries");
    console.error(`${entries} of the folders cannot be read: ${firstOf(unreadable)}.`);
  }
  const seen = new Set<string>();
  return inputs.filter(({ path }) => !seen.has(path) && seen.add(path));
}

/**
 * Says on stderr which files of the folders were left out.
 *
 * @param lacking What they do not hold, such as `no training log`.
 */
export function printSkipped(paths: readonly string[], lacking: string): void {
  if (paths.length === 0) return;
  const hold = paths.length === 1 ? "holds" : "hold";
  console.error(`${counted(paths.length, "file")} in the folders ${hold} ${lacking}.`);
  console.error(`  ${firstOf(paths)}`);
}

/** The first three names, printable, and how many more there are. */
function firstOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => printable(name, 100)).join(", ");
  return names.length <= 3 ? shown : `${shown} and ${names.length - 3} more`;
}

async function inFolder(folder: string, unreadable: string[]): Promise<Input[]> {
  // A folder that was named must be readable itself.
  try {
    await Deno.readDir(folder)[Symbol.asyncIterator]().next();
  } catch (error) {
    if (!isSystem(error)) throw error;
    throw new ReadError(`${folder} cannot be read: ${sentence(error)}`);
  }
  const search = new Search(folder, unreadable);
  await search.enter(folder);
  return search.inputs();
}

async function matching(pattern: string, unreadable: string[]): Promise<Input[]> {
  if (alternatives(pattern) > MOST_ENTRIES) {
    throw new ReadError(`${pattern} stands for more than ${MOST_ENTRIES} names, expected fewer.`);
  }
  const { glob } = await import("node:fs/promises");
  const paths: string[] = [];
  try {
    for await (const path of glob(pattern)) {
      paths.push(path);
      if (paths.length > MOST_ENTRIES) break;
    }
  } catch (error) {
    throw new ReadError(`${pattern} cannot be searched: ${sentence(error as Error)}`);
  }
  if (paths.length === 0) throw new ReadError(`${pattern} matches no file.`);
  const search = new Search(pattern, unreadable);
  for (const path of paths.sort()) await search.visit(path, true);
  return search.inputs();
}

/** How many names the braces of a glob stand for, or more where some are nested. */
function alternatives(pattern: string): number {
  return Array.from(pattern.matchAll(/\{([^{}]*)/g)).reduce((product, [, inner]) => {
    const range = /^(-?\d+)\.\.(-?\d+)/.exec(inner!);
    const count = range === null
      ? inner!.split(",").length
      : Math.abs(Number(range[1]) - Number(range[2])) + 1;
    return product * count;
  }, 1);
}

/** One file that a search found. */
interface Found {
  readonly path: string;
  /** Where it lies when all links are followed. */
  readonly real: string;
  readonly isLink: boolean;
}

class Search {
  #root: string;
  #unreadable: string[];
  #found: Found[] = [];
  #entered = new Set<string>();
  #entries = 0;

  constructor(root: string, unreadable: string[]) {
    this.#root = root;
    this.#unreadable = unreadable;
  }

  /** What was found, each file once: under its own name where that was found, too. */
  inputs(): Input[] {
    const taken = new Set(
      this.#found.filter(({ isLink }) => !isLink).map(({ real }) => real),
    );
    return this.#found
      .filter(({ real, isLink }) => !isLink || (!taken.has(real) && taken.add(real)))
      .map(({ path }) => ({ path, named: false }));
  }

  /** Takes a file, enters a folder, and leaves out what is neither. */
  async visit(path: string, mayBeLink: boolean): Promise<void> {
    this.#entries++;
    if (this.#entries > MOST_ENTRIES) {
      throw new ReadError(
        `${this.#root} stands for more than ${MOST_ENTRIES} files and folders; name the logs themselves, or a folder or glob with fewer.`,
      );
    }
    await this.#readable(path, async () => {
      const info = mayBeLink ? await Deno.stat(path) : await Deno.lstat(path);
      if (info.isDirectory) await this.enter(path);
      else if (info.isFile) {
        (await Deno.open(path)).close();
        const isLink = mayBeLink && (await Deno.lstat(path)).isSymlink;
        this.#found.push({ path, real: await Deno.realPath(path), isLink });
      }
    });
  }

  /** Searches a folder, unless it was searched already. */
  async enter(folder: string): Promise<void> {
    await this.#readable(folder, async () => {
      const real = await Deno.realPath(folder);
      if (this.#entered.has(real)) return;
      this.#entered.add(real);
      if (KERNEL_FOLDERS.has(real) && folder !== this.#root) return;
      const entries: Deno.DirEntry[] = [];
      for await (const entry of Deno.readDir(folder)) {
        if (!entry.name.startsWith(".")) entries.push(entry);
        if (entries.length > MOST_ENTRIES) break;
      }
      const run = await runFolder(folder);
      const covered = run?.covered ?? new Set();
      if (run !== undefined) this.#found.push({ path: folder, real, isLink: false });
      entries.sort((left, right) => left.name < right.name ? -1 : 1);
      for (const { name, isDirectory, isFile, isSymlink } of entries) {
        const path = join(folder, name);
        if (covered.has(name) || KERNEL_FOLDERS.has(path)) continue;
        if (isDirectory || isFile || isSymlink) await this.visit(path, isSymlink);
      }
    });
  }

  async #readable(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isSystem(error)) throw error;
      this.#unreadable.push(path);
    }
  }
}
