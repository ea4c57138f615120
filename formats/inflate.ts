import { pipeline, Readable } from "node:stream";
import type { Gunzip, InflateRaw } from "node:zlib";
import type { Allowance } from "./allowance.ts";

/** Bytes of a piece that comes out: what node:zlib calls `chunkSize`. */
export const INFLATED_BYTES = 1 << 18;

/**
 * What compressed pieces, each valid until the next is asked for, inflate to; at most a few pieces are in
 * memory.
 *
 * @throws {ReadError} if the dump inflates to more than is allowed.
 * @throws {Error} of node:zlib (with a `code`) if the data is damaged, and whatever the pieces throw.
 */
export async function* inflated(
  pieces: AsyncIterable<Uint8Array>,
  inflate: Gunzip | InflateRaw,
  allowance: Allowance,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  // node:zlib keeps what it is given, so each piece is copied out of the reused buffer.
  async function* copies() {
    for await (const piece of pieces) yield piece.slice();
  }
  pipeline(Readable.from(copies(), { highWaterMark: 1 }), inflate, () => {});
  for await (const piece of inflate) {
    allowance.take(piece.length);
    yield piece as Uint8Array<ArrayBuffer>;
  }
}
