/** A log is opened once: pipes lose nothing, and no handle stays open. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { UserError } from "../../../formats/errors.ts";
import { ByteSource } from "../../../formats/byte_source.ts";
import { readRun, readRuns } from "../../../analysis/readers/read_run.ts";
import { nextHandle, ROOT, run, withFolder } from "../../support.ts";
import { type Row, WRITERS } from "./write_logs.ts";

const isLinux = Deno.build.os === "linux";

/** A log of a format that is longer than what the format is recognised from. */
function longLog(format: string): Uint8Array<ArrayBuffer> {
  const { entropy, score, write } = WRITERS[format]!;
  const rows: Row[] = Array.from({ length: 6000 }, (_, step) => ({
    step,
    values: { [entropy]: 1 / (step + 1), [score]: step / 6000, "optim/a key": step / 7 },
  }));
  const log = write(rows);
  return Uint8Array.from(typeof log === "string" ? new TextEncoder().encode(log) : log);
}

/** Writes to a FIFO in parts, as a pipe may give them. */
async function writeParts(path: string, parts: readonly Uint8Array[]): Promise<void> {
  using file = await Deno.open(path, { write: true });
  for (const part of parts) {
    for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
  }
}

for (const format of Object.keys(WRITERS)) {
  Deno.test({
    name: `${format}: a pipe gives what the file gives, plain and gzipped`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      withFolder(async (folder) => {
        const bytes = longLog(format);
        assert(bytes.length > 1 << 18);
        const path = join(folder, "log");
        await Deno.writeFile(path, bytes);
        const expected = await readRun(path);
        assert.equal(expected.entropy!.values.length, 6000);
        for (const [i, content] of [bytes, gzipSync(bytes, { level: 1 })].entries()) {
          const fifo = join(folder, `fifo ${i}`);
          assert.equal((await run("mkfifo", [fifo])).code, 0);
          // The first byte alone does not tell gzipped data.
          const written = writeParts(fifo, [content.subarray(0, 1), content.subarray(1)]);
          const found = await readRun(fifo);
          await written;
          assert.deepEqual(found.series, expected.series);
          assert.deepEqual(found.keys, expected.keys);
        }
      }),
  });
}

const READ = `
import { readRun } from ${JSON.stringify(join(ROOT, "analysis/readers/read_run.ts"))};
const run = await readRun(Deno.args[0]);
console.log(JSON.stringify([run.source, run.name, run.entropy.values.length]));
`;

Deno.test({
  name: "standard input is read as -, /dev/stdin and /dev/fd/0, with no permission but to read",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const script = join(folder, "read.ts");
      await Deno.writeTextFile(script, READ);
      const log = longLog("jsonl");
      for (const [name, input] of [["-", log], ["/dev/stdin", gzipSync(log)], ["/dev/fd/0", log]]) {
        const child = new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "--allow-read",
            "--config",
            join(ROOT, "deno.json"),
            script,
            name as string,
          ],
          stdin: "piped",
          stdout: "piped",
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(input as Uint8Array);
        await writer.close();
        const { stdout } = await child.output();
        assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), [
          "standard input",
          "standard input",
          6000,
        ]);
      }
    }),
});

Deno.test({
  name: "no handle stays open: whole logs, damaged ones, and readers that stop early",
  ignore: !isLinux,
  fn: () =>
    withFolder(async (folder) => {
      const paths: string[] = [];
      const add = async (name: string, bytes: Uint8Array) => {
        paths.push(join(folder, name));
        await Deno.writeFile(paths.at(-1)!, bytes);
      };
      for (const format of Object.keys(WRITERS)) {
        const bytes = longLog(format);
        await add(format, bytes);
        await add(`${format} cut`, bytes.subarray(0, 300_000));
        const gzipped = gzipSync(bytes, { level: 1 });
        await add(`${format}.gz`, gzipped);
        gzipped[gzipped.length >> 1]! ^= 0xff;
        await add(`${format} damaged.gz`, gzipped);
      }
      await add("noise", crypto.getRandomValues(new Uint8Array(1 << 16)));
      await add("unclosed.csv", new TextEncoder().encode('step,entropy\n1,"' + "x".repeat(5e6)));
      await Deno.mkdir(join(folder, "events"));
      await add("events/events.out.tfevents.1700000001", longLog("tensorboard"));
      paths.push(join(folder, "events"), join(folder, "none"), folder);
      const before = nextHandle();
      for (const path of paths) {
        await readRuns(path).catch((error) => assert(error instanceof UserError, error.stack));
        assert.equal(nextHandle(), before, `${path} left a handle open`);
      }
    }),
});

Deno.test("a source's head does not take anything away from its chunks", () =>
  withFolder(async (folder) => {
    const path = join(folder, "bytes");
    const bytes = Uint8Array.from({ length: 700_000 }, (_, i) => (i * i) % 251);
    for (const content of [bytes, gzipSync(bytes)]) {
      await Deno.writeFile(path, content);
      await using source = await ByteSource.open(path);
      assert.deepEqual(await source.head(10), bytes.subarray(0, 10));
      assert.deepEqual(await source.head(300_000), bytes.subarray(0, 300_000));
      const chunks: number[] = [];
      for await (const chunk of source.chunks()) for (const byte of chunk) chunks.push(byte);
      assert.deepEqual(Uint8Array.from(chunks), bytes);
      assert.equal(source.isWhole, content !== bytes);
    }
  }));

Deno.test("gzipped data that was cut gives all that it holds, several members all of them", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.gz");
    const text = Array.from({ length: 9000 }, (_, i) => `{"step":${i},"entropy":${i / 7}}\n`).join(
      "",
    );
    const bytes = new TextEncoder().encode(text);
    const gzipped = gzipSync(bytes);
    const sizeOf = async (content: Uint8Array) => {
      await Deno.writeFile(path, content);
      await using source = await ByteSource.open(path);
      let size = 0;
      for await (const chunk of source.chunks()) size += chunk.length;
      return { size, isWhole: source.isWhole, isCutOff: source.isCutOff };
    };
    const two = new Uint8Array(2 * gzipped.length);
    two.set(gzipped);
    two.set(gzipped, gzipped.length);
    assert.deepEqual(await sizeOf(two), {
      size: 2 * bytes.length,
      isWhole: true,
      isCutOff: false,
    });
    // Only the trailer is missing.
    const cut = { size: bytes.length, isWhole: false, isCutOff: true };
    assert.deepEqual(await sizeOf(gzipped.subarray(0, -8)), cut);
    await assert.doesNotReject(async () => {
      const { malformed, entropy } = await readRun(path);
      assert.equal(entropy!.values.length, 9000);
      assert.deepEqual(malformed.examples, ['gzip data: "cut off"']);
    });
  }));
