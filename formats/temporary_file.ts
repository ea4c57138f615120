import { UserError } from "./errors.ts";

/** A file in the system's temporary folder that nothing but this process sees. */
export interface TemporaryFile {
  /** Open for reading and writing. */
  readonly file: Deno.FsFile;
  /** Closes it; its content is gone. */
  close(): void;
}

/**
 * Makes a temporary file. Its name is removed at once where the system allows it, so that nothing stays
 * behind however the process ends; on Windows the file is removed when it is closed.
 *
 * @throws {UserError} if the temporary folder cannot be written to.
 */
export function temporaryFile(): TemporaryFile {
  try {
    const path = Deno.makeTempFileSync({ prefix: "entropy-" });
    const file = Deno.openSync(path, { read: true, write: true });
    const isRemoved = tryRemove(path);
    return {
      file,
      close() {
        file.close();
        if (!isRemoved) tryRemove(path);
      },
    };
  } catch (error) {
    throw temporaryError(error);
  }
}

function tryRemove(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Appends all of `bytes` at the file's current position.
 *
 * @throws {UserError} if there is no room.
 */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  } catch (error) {
    throw temporaryError(error);
  }
}

function temporaryError(error: unknown): UserError {
  return new UserError(
    `the temporary file cannot be written: ${(error as Error).message} (TMPDIR names its folder).`,
  );
}

/** Fills `bytes` from a place in a file and returns how many there were: fewer at the file's end. */
export function readAt(file: Deno.FsFile, offset: number, bytes: Uint8Array): number {
  file.seekSync(offset, Deno.SeekMode.Start);
  let length = 0;
  while (length < bytes.length) {
    const count = file.readSync(bytes.subarray(length));
    if (count === null) break;
    length += count;
  }
  return length;
}
