import { UserError } from "./errors.ts";
import { writeAll } from "./file_bytes.ts";

/** A file in the system's temporary folder that nothing but this process sees. */
export interface TemporaryFile {
  /** Open for reading and writing. */
  readonly file: Deno.FsFile;
  /**
   * Writes at the file's current position, which is its end unless something else was read.
   *
   * @throws {UserError} if there is no room.
   */
  append(bytes: Uint8Array): void;
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
      append(bytes) {
        try {
          writeAll(file, bytes);
        } catch (error) {
          throw temporaryError(error);
        }
      },
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

function temporaryError(error: unknown): UserError {
  return new UserError(
    `the temporary file cannot be written: ${(error as Error).message} (TMPDIR names its folder).`,
  );
}
