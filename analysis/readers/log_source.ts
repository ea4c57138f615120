import { ByteSource } from "../../formats/byte_source.ts";
import { ReadError } from "../../formats/errors.ts";

/** What a gzipped log may always inflate to, whatever its size. */
const FREE_INFLATION = 1 << 26;
/** Rows and values that a log may always have, whatever its size. */
const FREE_PIECES = 1 << 22;

/** The bytes of a log, which may take time and memory in proportion to its size. */
export class LogSource extends ByteSource {
  /**
   * How many bytes a gzipped log may inflate to for each byte that it has; what inflates further (and
   * to more than 64 MiB) is refused.
   */
  mostInflation: number = Infinity;
  #inflated = 0;
  #pieces = 0;

  /**
   * Counts rows and values that a reader found, each of which costs it time and memory. More than the
   * log has bytes (before decompression) and than 2^22 are refused: gzipped repetition, no log.
   *
   * @throws {ReadError} if there are more.
   */
  spend(pieces: number): void {
    this.#pieces += pieces;
    if (this.#pieces <= FREE_PIECES || this.#pieces <= this.stored) return;
    throw new ReadError(
      `${this.name} has more rows, values or unreadable lines than a log of its size can have${
        this.isGzipped ? "; to read it all the same, unpack it first" : ""
      }.`,
    );
  }

  /** Holds what gzipped data inflates to against {@linkcode LogSource.mostInflation}. */
  protected override countInflated(bytes: number): void {
    this.#inflated += bytes;
    if (this.#inflated <= Math.max(FREE_INFLATION, this.mostInflation * this.stored)) return;
    throw new ReadError(
      `${this.name} inflates to more than ${this.mostInflation} times its size and 64 MiB, which such files do not; to read it all the same, unpack it first.`,
    );
  }
}
