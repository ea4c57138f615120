/** Every format: a run written and read back is the same; a log cut off anywhere raises only typed errors. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { UserError } from "../../../formats/errors.ts";
import { fitLaw } from "../../../analysis/law.ts";
import { pairs } from "../../../analysis/pairs.ts";
import { readRun, readRuns } from "../../../analysis/readers/read_run.ts";
import { LOGS, testOnLogs, withFolder } from "../../support.ts";
import { WRITERS } from "./write_logs.ts";

/** Steps that ascend, each with an entropy, a score, or both; the first with both, so that the header is full. */
const runs = fc.array(
  fc.record({
    gap: fc.integer({ min: 1, max: 5 }),
    entropy: fc.option(fc.double({ min: 1e-6, max: 11, noNaN: true })),
    score: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  }),
  { minLength: 4, maxLength: 40 },
);

for (const [format, { entropy, score, write: toLog }] of Object.entries(WRITERS)) {
  Deno.test(`${format}: a run written and read back is the same, plain and gzipped`, () =>
    withFolder(async (folder) => {
      await fc.assert(
        fc.asyncProperty(runs, fc.boolean(), async (records, gzipped) => {
          let step = -1;
          const rows = records.map((record, i) => {
            step += record.gap;
            const values: Record<string, number> = {};
            if (record.entropy !== null || i < 2) values[entropy] = record.entropy ?? 0.5;
            if (record.score !== null || i < 2) values[score] = record.score ?? 0.5;
            return { step, values };
          });
          const path = join(folder, "log");
          const log = toLog(rows);
          const bytes = typeof log === "string" ? new TextEncoder().encode(log) : log;
          await Deno.writeFile(path, gzipped ? gzipSync(bytes) : bytes);
          const run = await readRun(path);
          assert.equal(run.format, format);
          assert.equal(run.malformed.count, 0);
          for (const [key, series] of [[entropy, run.entropy!], [score, run.score!]] as const) {
            const expected = rows.filter(({ values }) => key in values);
            assert.deepEqual(Array.from(series.steps), expected.map(({ step }) => step));
            assert.deepEqual(Array.from(series.values), expected.map(({ values }) => values[key]));
          }
          assert.equal(run.entropy!.key, entropy);
          assert.deepEqual(run.score!.keys, [score]);
        }),
        { numRuns: 40, seed: 1 },
      );
    }));
}

Deno.test("a log of any format cut off at any byte raises only typed errors", () =>
  withFolder(async (folder) => {
    const rows = Array.from(
      { length: 30 },
      (_, step) => ({ step, values: {} as Record<string, number> }),
    );
    for (const [format, { entropy, score, write: toLog }] of Object.entries(WRITERS)) {
      for (const row of rows) {
        row.values = { [entropy]: Math.exp(-row.step / 9), [score]: 0.5 + row.step / 100 };
      }
      const log = toLog(rows);
      const bytes = typeof log === "string" ? new TextEncoder().encode(log) : log;
      await assertPrefixesReadable(bytes, join(folder, format), 60);
      await assertPrefixesReadable(gzipSync(bytes), join(folder, `${format}.gz`), 30);
    }
  }));

testOnLogs(
  "real logs cut off at any byte raise only typed errors",
  () =>
    withFolder(async (folder) => {
      for await (const { name } of Deno.readDir(LOGS)) {
        await assertPrefixesReadable(await Deno.readFile(join(LOGS, name)), join(folder, name), 12);
      }
    }),
);

/** Reads prefixes of a log and all that follows from it. */
async function assertPrefixesReadable(
  bytes: Uint8Array,
  path: string,
  count: number,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: bytes.length }), async (length) => {
      await Deno.writeFile(path, bytes.subarray(0, length));
      try {
        for (const run of await readRuns(path)) fitLaw(pairs(run));
      } catch (error) {
        assert(error instanceof UserError, `${path} cut to ${length} bytes: ${error}`);
        assert.match(error.message, /^[^\n]+\.$/);
      }
    }),
    { numRuns: count, seed: 2 },
  );
}

Deno.test("random bytes raise only typed errors", () =>
  withFolder(async (folder) => {
    const path = join(folder, "noise");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await Deno.writeFile(path, bytes);
        await assert.rejects(() => readRun(path), UserError);
      }),
      { numRuns: 200, seed: 3 },
    );
  }));
