/** Console lines that another process tore, and lines of two runs in one file. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readRuns } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { withFolder } from "../../support.ts";

const MESSAGE = "\x1b[36m(WorkerDict pid=7)\x1b[0m INFO 01-01 - vllm - sleep:3\n";
const FIRST = 41;
const SECOND = 52;

async function runsOf(lines: readonly string[]): Promise<Run[]> {
  let runs: Run[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "output.log");
    await Deno.writeTextFile(path, lines.join(""));
    runs = await readRuns(path);
  });
  return runs;
}

/** Lines of a run, each with three metrics whose values tell the step. */
function lines(pid: number, steps: readonly number[], offset = 0): string[] {
  return steps.map((step) => {
    const [entropy, score] = [1 - step / 100 + offset, 0.2 + step / 200 + offset];
    return `\x1b[36m(TaskRunner pid=${pid})\x1b[0m step:${step} - actor/entropy:${
      entropy.toFixed(4)
    } - critic/score/mean:${score.toFixed(4)} - training/global_step:${step}\n`;
  });
}

function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Numbers of 0 to 1 from a seed. */
function random(seed: number): () => number {
  let state = seed * 2654435761 >>> 0;
  return () => (state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32;
}

function valuesOf(run: Run, key: string): [number, number][] {
  const { steps, values } = run.series.get(key)!;
  return Array.from(steps, (step, i) => [step, values[i]!]);
}

Deno.test("wherever a line is torn, its rest on the next line is used or its loss is counted", async () => {
  const steps = upTo(12);
  const whole = lines(FIRST, steps);
  const [intact] = await runsOf(whole);
  const all = valuesOf(intact!, "actor/entropy");
  for (let at = whole[5]!.indexOf("step"); at < whole[5]!.length - 1; at++) {
    const torn = whole.with(5, whole[5]!.slice(0, at) + MESSAGE + whole[5]!.slice(at));
    const [run] = await runsOf(torn);
    const found = valuesOf(run!, "critic/score/mean");
    for (const key of ["actor/entropy", "critic/score/mean"]) {
      const expected = valuesOf(intact!, key);
      for (const [step, value] of valuesOf(run!, key)) {
        assert.equal(value, expected[step - 1]![1], `at ${at}`);
      }
    }
    const isPut = run!.notes.includes(
      "1 line of steps that another process's output tore was put together with the rest below.",
    );
    if (isPut) assert.deepEqual(valuesOf(run!, "actor/entropy"), all);
    else if (found.length < 12) assert(run!.malformed.count > 0, `at ${at}`);
    assert(!run!.keys.has("sleep"), `at ${at}`);
  }
});

Deno.test("a line is put together over lines of other processes, and after a second tear", async () => {
  const steps = upTo(10);
  const whole = lines(FIRST, steps);
  const between = whole[4]!.replace("score/", `sco${MESSAGE}${MESSAGE}re/`);
  const [run] = await runsOf(whole.with(4, between));
  assert.deepEqual(Array.from(run!.series.get("critic/score/mean")!.steps), steps);
  assert.equal(run!.malformed.count, 0);
  const twice = whole[4]!.replace(/entropy/, `ent${MESSAGE}ropy`)
    .replace("score/", `sco${MESSAGE}re/`);
  const [again] = await runsOf(whole.with(4, twice));
  assert.deepEqual(Array.from(again!.series.get("critic/score/mean")!.steps), steps);
  assert.equal(again!.malformed.count, 0);
});

Deno.test("what is not certain to be the rest is left out, and the lines that lost their end are counted", async () => {
  const whole = lines(FIRST, upTo(10));
  for (
    const rest of ["", "loading 3 - 4\n", " - lr:0.1 - beta:0.9\n", " - actor/entropy:3 - a/b:1\n"]
  ) {
    const head = whole[4]!.slice(0, whole[4]!.indexOf(" - training"));
    const [run] = await runsOf(whole.with(4, head + MESSAGE + rest));
    assert.equal(valuesOf(run!, "actor/entropy")[4]![1], 0.95, rest);
    assert(!run!.keys.has("lr") && !run!.keys.has("a/b"), rest);
  }
  const [torn] = await runsOf(whole.with(4, `(TaskRunner pid=${FIRST}) step:${MESSAGE}`));
  assert.deepEqual(torn!.malformed.examples, [
    'line 5: "step:(WorkerDict pid=7) INFO 01-01 - vllm - sleep:3"',
  ]);
  const cut = [2, 6].reduce((all, i) => all.with(i, all[i]!.slice(0, 60) + "\n"), whole);
  const [run] = await runsOf(cut);
  assert(run!.notes.includes(
    "2 lines of steps (the first is line 3) break off, or run into other output: the values that stood after that in them are lost.",
  ));
});

Deno.test("runs whose lines alternate are parted by the processes that Ray names; a resumed run is one", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const draw = random(seed + 1);
    const [first, second] = [lines(FIRST, upTo(60)), lines(SECOND, upTo(60), -0.1)];
    const mixed: string[] = [];
    const lead = seed % 4 === 0 ? 30 : 0;
    while (first.length + second.length > 0) {
      const from =
        second.length === 0 || (first.length > 0 && (draw() < 0.5 || first.length > 60 - lead))
          ? first
          : second;
      mixed.push(from.shift()!);
    }
    const runs = await runsOf(mixed);
    assert.deepEqual(
      runs.map(({ name }) => name).sort(),
      [`TaskRunner pid=${FIRST}`, `TaskRunner pid=${SECOND}`],
      `seed ${seed}`,
    );
    for (const run of runs) {
      const offset = run.name.endsWith(String(SECOND)) ? -0.1 : 0;
      assert.deepEqual(
        valuesOf(run, "actor/entropy").map(([, value]) => value.toFixed(4)),
        upTo(60).map((step) => (1 - step / 100 + offset).toFixed(4)),
        `seed ${seed}`,
      );
    }
    const end = 20 + Math.floor(30 * draw());
    const again = end - Math.floor(12 * draw());
    const resumed = [...lines(FIRST, upTo(end)), ...lines(SECOND, upTo(90, again), -0.05)];
    const swapped = seed % 2 === 0 ? resumed : [
      ...resumed.slice(0, end - 1),
      resumed[end]!,
      resumed[end - 1]!,
      ...resumed.slice(end + 1),
    ];
    const one = await runsOf(swapped);
    assert.equal(one.length, 1, `seed ${seed}`);
    assert.deepEqual(Array.from(one[0]!.entropy!.steps), upTo(90));
  }
});

Deno.test("two processes of one run, that print the same or other metrics, are one run", async () => {
  const steps = upTo(30);
  const whole = lines(FIRST, steps);
  const echo = lines(SECOND, steps);
  const same = await runsOf(whole.flatMap((line, i) => [line, echo[i]!]));
  assert.equal(same.length, 1);
  assert.deepEqual(same[0]!.notes, [
    `TaskRunner pid=${SECOND} printed once more what TaskRunner pid=${FIRST} did; it is left out.`,
  ]);
  const other = steps.map((step) =>
    `(Validator pid=9) step:${step} - val-core/a/acc/mean@1:${
      step / 40
    } - training/global_step:${step}\n`
  );
  const both = await runsOf(whole.flatMap((line, i) => [line, other[i]!]));
  assert.equal(both.length, 1);
  assert.equal(both[0]!.score!.values.length, 30);
});
