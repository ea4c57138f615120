/** Logs of the study: those that are there are read, those that are not are told. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { LabError } from "../../experiments/lab/errors.ts";
import { studyRun } from "../../experiments/lab/study/study_run.ts";
import { gradientStep, readStudyLog, readStudyLogs } from "../../experiments/study_log.ts";
import { withFolder } from "../support.ts";

const GIVEN = [1, 2, 3].map((seed) => ({ seed, steps: 9 }));

/** A log of a few steps, as text. */
function text(given: Record<string, unknown>): string {
  const { settings } = studyRun(given);
  const steps = Array.from({ length: 9 }, (_, i) => ({
    step: i + 1,
    data: {
      "train_entropy/all": i === 4 ? null : 0.5 - i / 20,
      ...(i % 4 === 0 ? { "val-core/greedy/math-500/acc/mean@1": 0.2 + i / 50 } : {}),
    },
  }));
  // It was gone on with after the third.
  const head = { run: { configuration: settings } };
  return [head, ...steps.slice(0, 3), head, ...steps.slice(3)]
    .map((line) => JSON.stringify(line) + "\n").join("");
}

Deno.test("logs that are there are read, plain or compressed; the others are told", () =>
  withFolder(async (folder) => {
    const [one, two] = GIVEN.map((given) => studyRun(given).name);
    await Deno.writeTextFile(join(folder, `${one}.jsonl`), text(GIVEN[0]!));
    await Deno.writeFile(join(folder, `${two}.jsonl.gz`), gzipSync(text(GIVEN[1]!)));
    const { logs, missing } = await readStudyLogs(GIVEN, folder);
    assert.deepEqual(logs.map(({ run }) => run.name), [one, two]);
    assert.deepEqual(missing.map(({ name }) => name), [studyRun(GIVEN[2]!).name]);
    const [log] = logs;
    // In our own logs a null is NaN: no entropy of another step stands for that of step 5.
    assert.deepEqual([...log!.pairs], [
      { step: 1, entropy: 0.5, score: 0.2 },
      { step: 9, entropy: 0.5 - 8 / 20, score: 0.2 + 8 / 50 },
    ]);
    assert.equal(log!.curves.get("train_entropy/all")!.length, 8);
    assert.equal(gradientStep(log!, 1), 0);
    assert.equal(gradientStep(log!, 4), 3 * log!.run.settings.minibatches);
  }));

Deno.test("a log that was made with other settings is not drawn", () =>
  withFolder(async (folder) => {
    const other = text({ seed: 1, steps: 40 });
    await Deno.writeTextFile(join(folder, `${studyRun(GIVEN[0]!).name}.jsonl`), other);
    await assert.rejects(() => readStudyLogs(GIVEN, folder), LabError);
  }));

Deno.test("a log is read whole or not at all, and the first line that is wrong is named", () =>
  withFolder(async (folder) => {
    const run = studyRun(GIVEN[0]!);
    const path = join(folder, `${run.name}.jsonl`);
    // The settings are lines 1 and 5.
    const whole = text(GIVEN[0]!).split("\n");
    const changed = (line: number, ...now: string[]) => whole.toSpliced(line - 1, 1, ...now);
    for (
      const [lines, expected] of [
        [changed(7), ': line 7 is "{\\"step\\":6'],
        [changed(7, whole[6]!, whole[6]!), ': line 8 is "{\\"step\\":5'],
        [changed(4, "NaN"), ': line 4 is "NaN", expected step 3 and its numbers; move it away'],
        [changed(4, ""), ': line 4 is "", expected step 3'],
        [changed(4, "null"), ': line 4 is "null", expected step 3'],
        [changed(4, '{"step":3,"data":null}'), ": line 4 is "],
        [changed(4, '{"step":3,"data":{"train_entropy/all":"abc"}}'), ": line 4 is "],
      ] as const
    ) {
      await Deno.writeTextFile(path, lines.join("\n"));
      await assert.rejects(() => readStudyLog(run, folder), (error) => {
        assert(error instanceof LabError, String(error));
        assert(error.message.startsWith(path + expected), error.message);
        return true;
      });
    }
    await Deno.writeTextFile(path, text(GIVEN[0]!));
    assert.equal((await readStudyLog(run, folder)).curves.size, 2);
  }));
