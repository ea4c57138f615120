/** Large dumps stream: memory does not grow with the file, nor with the length of a line. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT, run, withFolder } from "../../support.ts";

const READ = `
import { readTokens } from ${JSON.stringify(join(ROOT, "analysis/tokens/read_tokens.ts"))};
import { covarianceReport } from ${
  JSON.stringify(join(ROOT, "analysis/tokens/covariance_report.ts"))
};
using tokens = await readTokens(Deno.args[0]);
const report = covarianceReport(tokens);
const peak = Number(/VmHWM:\\s+(\\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))[1]);
console.log(JSON.stringify({ peak: peak / 1024, tokens: report.tokens, padding: tokens.padding }));
`;

/** 200 MB: 20 million tokens, of which every tenth is one of a response; holes in the file are zeros. */
async function writeSafetensors(path: string): Promise<{ tokens: number; padding: number }> {
  const [rows, columns] = [20_000, 1000];
  const count = rows * columns;
  const header = JSON.stringify({
    log_prob: { dtype: "F64", shape: [rows, columns], data_offsets: [0, 8 * count] },
    mask: { dtype: "BOOL", shape: [rows, columns], data_offsets: [8 * count, 9 * count] },
    advantages: { dtype: "F32", shape: [rows], data_offsets: [9 * count, 9 * count + 4 * rows] },
    unused: {
      dtype: "U8",
      shape: [count],
      data_offsets: [9 * count + 4 * rows, 10 * count + 4 * rows],
    },
  });
  using file = await Deno.open(path, { write: true, create: true });
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  await file.write(length);
  await file.write(new TextEncoder().encode(header));
  const start = 8 + header.length;
  await file.truncate(start + 10 * count + 4 * rows);
  await file.seek(start + 8 * count, Deno.SeekMode.Start);
  const mask = Uint8Array.from({ length: columns * 1000 }, (_, i) => i % 10 === 0 ? 1 : 0);
  for (let at = 0; at < count; at += mask.length) await file.write(mask);
  return { tokens: count / 10, padding: (count * 9) / 10 };
}

/** 150 MB: sequences with long texts, and at last one line of 40 MB. */
async function writeJsonl(path: string): Promise<{ tokens: number; padding: number }> {
  using file = await Deno.open(path, { write: true, create: true });
  const encoder = new TextEncoder();
  const line = (count: number, textLength: number) =>
    encoder.encode(
      JSON.stringify({
        text: "lorem ipsum ".repeat(textLength / 12),
        losses: Array.from(
          { length: count },
          () => ({ rl: { advantage: 0.123456789, mask: true } }),
        ),
        advantages: Array.from({ length: count }, (_, i) => Math.sin(i)),
        log_prob: Array.from({ length: count }, (_, i) => Math.cos(i)),
      }) + "\n",
    );
  const block = line(1000, 1_000_000);
  for (let i = 0; i < 110; i++) await file.write(block);
  const long = line(400_000, 1_200_000);
  await file.write(long);
  return { tokens: 110 * 1000 + 400_000, padding: 0 };
}

for (const [name, write] of Object.entries({ safetensors: writeSafetensors, jsonl: writeJsonl })) {
  Deno.test({
    name: `${name}: a dump of 150 to 200 MB is read and reported in under 200 MB`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      withFolder(async (folder) => {
        const [script, path] = [join(folder, "read.ts"), join(folder, "dump")];
        await Deno.writeTextFile(script, READ);
        const expected = await write(path);
        assert((await Deno.stat(path)).size > 140e6);
        const { stdout, stderr } = await run(Deno.execPath(), [
          "run",
          "--allow-all",
          "--config",
          join(ROOT, "deno.json"),
          script,
          path,
        ]);
        assert.notEqual(stdout, "", stderr);
        const { peak, ...counts } = JSON.parse(stdout);
        assert.deepEqual(counts, expected);
        assert(peak < 200, `reading took ${peak} MB`);
      }),
  });
}
