import type { Transform } from "node:stream";

/**
 * Sends pieces through a transform and yields what comes out, in order and all of it: also what came out
 * before an error, which an iteration over the transform would drop. Nothing is read ahead, so that
 * whoever owns the pieces may close their source at any time.
 *
 * @throws what the transform fails with, after everything that it gave before.
 */
export async function* through<Piece, Out>(
  pieces: AsyncIterable<Piece>,
  transform: Transform,
): AsyncGenerator<Out> {
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
      transform.write(piece, () => {
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
