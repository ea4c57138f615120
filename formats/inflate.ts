import type { Transform } from "node:stream";

/** Bytes of a piece that comes out: what node:zlib calls `chunkSize`. */
export const INFLATED_BYTES = 1 << 18;

/**
 * What compressed pieces, each valid until the next is asked for, inflate to, in order and all of it: also
 * what came out before an error, which an iteration over the stream of node:zlib would drop. Nothing is
 * read ahead, so that whoever owns the pieces may close their source at any time.
 *
 * @param inflate A stream of node:zlib: `createGunzip()`, `createInflateRaw()`.
 * @param count Is told the bytes of each piece before that is given; what it throws ends the reading.
 * @throws {Error} of node:zlib (with a `code`) if the data is damaged or cut off, after everything before
 * that, and whatever the pieces throw.
 */
export async function* inflated(
  pieces: AsyncIterable<Uint8Array>,
  inflate: Transform,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const piece of through(pieces, inflate)) {
    count(piece.length);
    // As an array of the kind that plain files give: code that meets two kinds is slow.
    yield new Uint8Array(piece.buffer, piece.byteOffset, piece.length);
  }
}

async function* through(
  pieces: AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let failure: Error | undefined;
  let isOver = false;
  let wake = () => {};
  transform.on("readable", () => wake());
  transform.on("end", () => {
    isOver = true;
    wake();
  });
  transform.on("error", (error: Error) => {
    failure = error;
    wake();
  });
  try {
    for await (const piece of pieces) {
      let isTaken = false;
      // node:zlib keeps what it is given, so each piece is copied out of the reused buffer.
      transform.write(piece.slice(), () => {
        isTaken = true;
        wake();
      });
      while (true) {
        const out = transform.read();
        if (out !== null) yield out;
        else if (isTaken || isOver || failure !== undefined) break;
        else await new Promise<void>((resolve) => wake = resolve);
      }
      if (isOver || failure !== undefined) break;
    }
    if (!isOver && failure === undefined) transform.end();
    while (true) {
      const out = transform.read();
      if (out !== null) yield out;
      else if (failure !== undefined) throw failure;
      else if (isOver) return;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    transform.destroy();
  }
}
