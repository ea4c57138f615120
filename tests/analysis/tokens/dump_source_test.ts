/** A dump is opened once, whatever it comes from, and closed whatever happens. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { ReadError } from "../../../formats/errors.ts";
import { readTokens } from "../../../analysis/tokens/read_tokens.ts";
import { DumpSource } from "../../../analysis/tokens/dump_source.ts";
import { nextHandle, run, withFolder } from "../../support.ts";
import * as write from "./write_dumps.ts";
import type { Token } from "./write_dumps.ts";

const isUnix = Deno.build.os !== "windows";

/** From 0 to 1, and hardly to be compressed. */
const noise = (i: number) => Math.fround(Math.abs(Math.sin(i) * 43758.5453) % 1);

/** More than a pipe holds, in every format. */
const BATCH: Token[][] = Array.from(
  { length: 30 },
  (_, sequence) =>
    Array.from({ length: 500 }, (_, i): Token => ({
      logProb: -noise(500 * sequence + i),
      advantage: Math.cos(sequence),
      mask: i < 20 ? 0 : 1,
      oldLogProb: -noise(500 * sequence + i + 0.5),
      id: i,
    })),
);

const DUMPS: Record<string, Uint8Array> = {
  safetensors: write.safetensors(write.toArrays(BATCH)),
  "npz, stored": write.npz(write.toArrays(BATCH)),
  "npz, compressed": write.npz(write.toArrays(BATCH), { deflate: true }),
  "JSON lines of sequences": write.sequenceLines(BATCH),
  "JSON lines of tokens": write.tokenLines(BATCH),
  "prime-rl's token export": write.primeRl(BATCH),
};

/** All there is to know of a dump. */
async function contentOf(path: string) {
  using dump = await readTokens(path);
  const { format, sequences, tokens, padding, leftOut, meanLogProb, meanAdvantage, ratio } = dump;
  const blocks = Array.from(dump.blocks(), (block) => JSON.stringify(Object.values(block)));
  return { format, sequences, tokens, padding, leftOut, meanLogProb, meanAdvantage, ratio, blocks };
}

/** Gives bytes to whoever opens a FIFO, in two pieces. */
async function feed(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true });
  try {
    for (const piece of [bytes.subarray(0, 1), bytes.subarray(1)]) {
      for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } catch (error) {
    // Who has seen that it is no dump reads no further.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

for (const [name, plain] of Object.entries(DUMPS)) {
  Deno.test({
    name: `${name}: a pipe gives what a file gives, plain and gzipped`,
    ignore: !isUnix,
    fn: () =>
      withFolder(async (folder) => {
        const [path, fifo] = [join(folder, "dump"), join(folder, "fifo")];
        assert.equal((await run("mkfifo", [fifo])).code, 0);
        assert(plain.length > 1 << 16);
        for (const bytes of [plain, gzipSync(plain)]) {
          await Deno.writeFile(path, bytes);
          const [content] = await Promise.all([contentOf(fifo), feed(fifo, bytes)]);
          assert.deepEqual(content, await contentOf(path));
        }
      }),
  });
}

Deno.test({
  name: "a pipe of what is no dump, or of nothing, is refused as a file is",
  ignore: !isUnix,
  fn: () =>
    withFolder(async (folder) => {
      const fifo = join(folder, "fifo");
      assert.equal((await run("mkfifo", [fifo])).code, 0);
      const refused = async (bytes: Uint8Array, sentence: RegExp) => {
        const reading = assert.rejects(
          readTokens(fifo),
          (error) => error instanceof ReadError && sentence.test(error.message),
        );
        await Promise.all([reading, feed(fifo, bytes)]);
      };
      await refused(new Uint8Array(0), /fifo is empty, expected a token dump\.$/);
      await refused(new Uint8Array(3_000_000), /fifo is no token dump, expected safetensors/);
      await refused(DUMPS.safetensors!.subarray(0, 300_000), /ends at byte \d+, the file at byte/);
      await refused(
        gzipSync(DUMPS.safetensors!).subarray(0, 40_000),
        /ends at byte \d+, the file at byte/,
      );
    }),
});

Deno.test("the beginning can be looked at, and everything still be read", () =>
  withFolder(async (folder) => {
    const path = join(folder, "dump");
    const content = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251);
    for (const bytes of [content, content.subarray(0, 100), content.subarray(0, 0)]) {
      for (const stored of [bytes, gzipSync(bytes)]) {
        await Deno.writeFile(path, stored);
        await using source = await DumpSource.open(path);
        assert.deepEqual(await source.head(4096), bytes.slice(0, 4096));
        const all = [];
        for await (const chunk of source.chunks()) all.push(chunk.slice());
        assert(Buffer.concat(all).equals(bytes));
        await using again = await DumpSource.open(path);
        const file = await again.seekable();
        assert.equal(file.size, bytes.length);
        assert.deepEqual(file.read(50, 20), bytes.slice(50, 70));
      }
    }
  }));

Deno.test("of gzipped data that was cut off, everything up to the cut is read", () =>
  withFolder(async (folder) => {
    const path = join(folder, "dump");
    const digits = Array.from({ length: 100_000 }, (_, i) => noise(i)).join();
    const content = new TextEncoder().encode(digits);
    const whole = gzipSync(content);
    for (const length of [1000, 50_000, whole.length - 9, whole.length - 1]) {
      await Deno.writeFile(path, whole.subarray(0, length));
      await using source = await DumpSource.open(path);
      const file = await source.seekable();
      assert(file.size > 1.5 * length, `${file.size} bytes of ${length}`);
      assert(Buffer.from(file.read(0, file.size)).equals(content.subarray(0, file.size)));
    }
  }));

Deno.test({
  name: "no file stays open, of good dumps and of bad ones",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (folder) => {
      const damaged = (bytes: Uint8Array, at: number) => {
        const copy = bytes.slice();
        copy[at]! ^= 0xff;
        return copy;
      };
      const paths: string[] = [];
      for (const [i, bytes] of Object.values(DUMPS).entries()) {
        const zipped = gzipSync(bytes);
        const all = [
          bytes,
          zipped,
          bytes.subarray(0, bytes.length / 2),
          zipped.subarray(0, zipped.length / 2),
          damaged(bytes, bytes.length / 2),
          damaged(zipped, zipped.length / 2),
          damaged(bytes, 0),
        ];
        for (const [j, one] of all.entries()) {
          paths.push(join(folder, `${i}-${j}`));
          await Deno.writeFile(paths.at(-1)!, one);
        }
      }
      paths.push(join(folder, "none"), folder);
      const before = nextHandle();
      let [good, bad] = [0, 0];
      for (const path of paths) {
        try {
          using _dump = await readTokens(path);
          good++;
        } catch (error) {
          assert(error instanceof ReadError, String(error));
          bad++;
        }
        assert(nextHandle() <= before, path);
      }
      assert(good >= 12 && bad >= 12, `${good} good, ${bad} bad`);
    }),
});
