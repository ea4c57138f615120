/** One file that holds several runs, as lists, columns and members name them, or one after the other. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readRun, readRuns } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { withFolder } from "../../support.ts";
import { tensorBoard, verlConsole } from "./write_logs.ts";

const STEPS = Array.from({ length: 12 }, (_, i) => i);
const entropyOf = (run: number, step: number) => 1 / (1 + step) + run / 10;
const scoreOf = (run: number, step: number) => 0.3 + step / 40 - run / 10;
const rowsOf = (run: number, steps = STEPS) =>
  steps.map((step) => ({
    step,
    values: {
      "actor/entropy": entropyOf(run, step),
      "val-core/a/acc/mean@1": scoreOf(run, step),
    },
  }));
const flat = (run: number, steps = STEPS) =>
  rowsOf(run, steps).map(({ step, values }) => ({ step, ...values }));
const jsonl = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row) + "\n").join("");

async function runsOf(content: string | Uint8Array): Promise<Run[]> {
  let runs: Run[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "log");
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(path, bytes);
    runs = await readRuns(path);
  });
  return runs;
}

function assertRuns(runs: readonly Run[], names: readonly string[], starts = [0, 1]): void {
  assert.deepEqual(runs.map(({ name }) => name), names);
  for (const [i, run] of runs.entries()) {
    assert.deepEqual(Array.from(run.entropy!.steps), STEPS);
    const expected = STEPS.map((step) => entropyOf(starts[i]!, step));
    assert(expected.every((value, k) => Math.abs(value - run.entropy!.values[k]!) < 1e-6));
    const scores = STEPS.map((step) => scoreOf(starts[i]!, step));
    assert(scores.every((value, k) => Math.abs(value - run.score!.values[k]!) < 1e-6));
    assert.equal(run.malformed.count, 0);
  }
}

Deno.test("runs one after the other in a log, whose steps begin again, are several runs", async () => {
  const both = [...rowsOf(0), ...rowsOf(1)];
  const csv = [
    "step,entropy,acc",
    ...[0, 1].flatMap((run) =>
      STEPS.map((step) => `${step},${entropyOf(run, step)},${scoreOf(run, step)}`)
    ),
  ].join("\n") + "\n";
  for (
    const content of [
      verlConsole(both),
      jsonl([...flat(0), ...flat(1)]),
      JSON.stringify([...flat(0), ...flat(1)]),
      csv,
      tensorBoard(both, false),
    ]
  ) {
    const runs = await runsOf(content);
    assertRuns(runs, ["run 1", "run 2"]);
    assert.match(
      runs[0]!.notes.join(" "),
      /read as 2 runs .*steps 0 to 11, 0 to 11.*this is run 1/,
    );
  }
});

Deno.test("of runs in one log, each has its own values that are not finite, and a start that was given up is told", async () => {
  const broken = flat(0).map((row) => row.step > 8 ? { ...row, "actor/grad_norm": "NaN" } : row);
  const runs = await runsOf(jsonl([...broken, ...flat(2, [0, 1, 2]), ...flat(1)]));
  assertRuns(runs, ["run 1", "run 2"]);
  assert.equal(runs[0]!.notFinite.get("actor/grad_norm")!.count, 3);
  assert.equal(runs[1]!.notFinite.has("actor/grad_norm"), false);
  assert.match(
    runs[0]!.notes.join(" "),
    /1 other start, of few steps or the same once more, is left out/,
  );
});

Deno.test("a run that was resumed, the same log twice, and a log from its end to its beginning are one run", async () => {
  const resumed = await runsOf(jsonl([...flat(0), ...flat(1, STEPS.slice(4))]));
  assert.equal(resumed.length, 1);
  assert.match(resumed[0]!.notes.join(" "), /8 steps were logged again/);
  assert.equal((await runsOf(jsonl([...flat(0), ...flat(0)]))).length, 1);
  assert.equal((await runsOf(jsonl(flat(0).toReversed()))).length, 1);
  const apart = [
    ...flat(0).map(({ step, ...values }) => ({ step, entropy: values["actor/entropy"] })),
    ...flat(0).map(({ step, ...values }) => ({ step, acc: values["val-core/a/acc/mean@1"] })),
  ];
  assert.equal((await runsOf(jsonl(apart))).length, 1);
});

Deno.test("rows out of order, a late evaluation, and epochs that count their own steps are one run", async () => {
  const [half, rest] = [flat(0).slice(0, 6), flat(0).slice(6)];
  const late = [...flat(0).slice(0, 6), { step: 1, "val-core/b/acc/mean@1": 0.2 }, ...rest];
  const epochs = [0, 1].flatMap((epoch) =>
    flat(epoch).map((row, i) => ({ ...row, epoch: epoch + i / STEPS.length }))
  );
  for (const rows of [[...rest, ...half], late, epochs]) {
    assert.equal((await runsOf(jsonl(rows))).length, 1);
  }
});

Deno.test("epochs that count their own steps follow one another, and a run that was started once more is as before", async () => {
  const rows = flat(0, Array.from({ length: 36 }, (_, i) => i)).map((row) => ({
    ...row,
    "val-core/a/acc/mean@1": 0.3 + row.step / 100,
  }));
  const restarted = (epochOf: (i: number) => number, first = 0) =>
    rows.map(({ step, ...values }) => ({
      epoch: epochOf(step),
      step: first + step % 12,
      ...values,
    }));
  const csv = (rows: readonly Record<string, number>[]) =>
    [Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))].join("\n") + "\n";
  for (
    const [content, first] of [
      [jsonl(restarted((i) => Math.floor(i / 12))), 0],
      [jsonl(restarted((i) => (i + 1) / 12, 1)), 1],
      [csv(restarted((i) => Math.floor(i / 12), 1)), 1],
      [JSON.stringify(restarted((i) => i / 12)), 0],
    ] as const
  ) {
    const [run, ...others] = await runsOf(content);
    assert.equal(others.length, 0);
    const { entropy, score, steps, notes } = run!;
    assert.deepEqual(Array.from(entropy!.steps), rows.map(({ step }) => first + step));
    assert.deepEqual(Array.from(entropy!.values), rows.map((row) => row["actor/entropy"]));
    assert.deepEqual(Array.from(score!.values), rows.map((row) => row["val-core/a/acc/mean@1"]));
    assert.deepEqual(steps, { first, last: first + 35 });
    assert.match(
      notes.join(" "),
      /the steps begin again 2 times, but epoch goes on, .* one run, .* to step 3[56]\./,
    );
    assert.doesNotMatch(notes.join(" "), /logged again/);
  }
  // The epoch does not go on here: the first start was given up, or the checkpoint lay before it.
  const again = (epoch: number) => flat(epoch).map((row) => ({ ...row, epoch }));
  assert.equal((await runsOf(jsonl([...again(1), ...again(0)]))).length, 2);
  const longer = again(0).map((row, i) => ({ ...row, epoch: i < 6 ? 0 : 1 }));
  const [resumed] = await runsOf(
    jsonl([...flat(1).map((row) => ({ ...row, epoch: 0 })), ...longer]),
  );
  assert.deepEqual(Array.from(resumed!.entropy!.steps), STEPS);
});

Deno.test("a count that grows within a second run, or beside one that begins again, does not make two runs one", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const [first, second, epoch] = [20 + seed, 10 + (7 * seed) % 31, 9 + (5 * seed) % 23];
    const steps = (count: number) => Array.from({ length: count }, (_, i) => i);
    const run = (of: number, count: number, perEpoch: number) =>
      flat(of, steps(count)).map((row) => ({ ...row, epoch: Math.floor(row.step / perEpoch) }));
    const both = [...run(0, first, 100), ...run(1, second, Math.min(epoch, second - 1))];
    const lengths = async (rows: readonly unknown[]) =>
      (await runsOf(jsonl(rows))).map(({ entropy }) => entropy!.steps.length);
    assert.deepEqual(await lengths(both), [first, second], `${seed}`);
    const tokens = both.map((row, i) => ({ ...row, epoch: row.step / 100, num_tokens: i }));
    assert.deepEqual(await lengths(tokens), [first, second], `${seed}`);
    const goesOn = both.map((row, i) => ({ ...row, epoch: i < first ? 0 : 1, num_tokens: i }));
    assert.deepEqual(await lengths(goesOn), [first + second], `${seed}`);
  }
});

Deno.test("very many short epochs that count their own steps are one run", async () => {
  const rows = Array.from({ length: 250 * 4 }, (_, i) => ({
    step: i % 4 + 1,
    epoch: Math.floor(i / 4),
    entropy: 1 / (1 + i),
    eval_reward: i / 1000,
  }));
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    await Deno.writeTextFile(path, jsonl(rows));
    const runs = await readRuns(path);
    assert.deepEqual(runs.map(({ entropy }) => entropy!.values.length), [rows.length]);
  });
});

Deno.test("epochs that count their own steps keep their sparse validations and what is not finite", async () => {
  const rows = [0, 1].flatMap((epoch) =>
    STEPS.map((i) => ({
      ...(i % 6 === 0 ? { "val-core/a/acc/mean@1": scoreOf(0, 12 * epoch + i) } : {}),
      epoch,
      step: 10 * i,
      "actor/entropy": entropyOf(0, 12 * epoch + i),
      "actor/grad_norm": epoch === 1 && i === 3 ? "NaN" : 1 + i,
    }))
  );
  const [run, ...others] = await runsOf(jsonl(rows));
  assert.equal(others.length, 0);
  assert.deepEqual(Array.from(run!.score!.steps), [0, 60, 120, 180]);
  assert.deepEqual(Array.from(run!.entropy!.steps), rows.map((_, i) => 10 * i));
  assert.deepEqual(Array.from(run!.notFinite.get("actor/grad_norm")!.steps), [150]);
});

Deno.test("keys before the leading one in a row are of the run that the row begins", async () => {
  const rows = [0, 1].flatMap((run) =>
    STEPS.map((step) => ({
      step,
      ...(step % 6 === 0 ? { "val-core/a/acc/mean@1": scoreOf(run, step) } : {}),
      "actor/entropy": entropyOf(run, step),
    }))
  );
  const runs = await runsOf(jsonl(rows));
  for (const [i, { score }] of runs.entries()) {
    assert.deepEqual(Array.from(score!.values), [0, 6].map((step) => scoreOf(i, step)));
  }
});

Deno.test("a second run that is too short to be one says which steps it replaced, and whether by other values", async () => {
  const noteOf = async (rows: readonly Record<string, number>[]) =>
    (await runsOf(jsonl(rows)))[0]!.notes.join(" ");
  const short = flat(1, [0, 1, 2, 3, 4]);
  assert.equal(
    await noteOf([...flat(0), ...short]),
    "5 steps were logged again (0 to 4), with other values: the later ones hold.",
  );
  assert.equal(
    await noteOf([...flat(0), ...short.slice(0, 2), ...flat(0, [2, 3])]),
    "4 steps were logged again (0 to 3), 2 of them with other values: what is later holds.",
  );
  assert.equal(
    await noteOf([...flat(0), ...flat(1, [3])]),
    "1 step was logged again (3), with another value: the later one holds.",
  );
  const lengths = STEPS.slice(0, 3).map((step) => ({ step, "response_length/mean": 100 }));
  const other = lengths.map((row) => ({ ...row, "response_length/mean": 90 }));
  assert.equal(
    await noteOf([...flat(0), ...lengths, ...other]),
    "3 steps were logged again (0 to 2), with other values: the later ones hold.",
  );
});

Deno.test("a validation of an attempt that was given up gives way where the next one begins at its step", async () => {
  // Validated at 0 and 6; the second attempt begins at 1, so that its first validation is that of step 6 again.
  const isScored = (step: number) => step % 6 === 0;
  const attempt = (run: number, steps: readonly number[]) =>
    steps.map((step) => ({
      step,
      values: {
        "actor/entropy": entropyOf(run, step),
        ...(isScored(step) ? { "val-core/a/acc/mean@1": scoreOf(run, step) } : {}),
      },
    }));
  const rows = [...attempt(0, STEPS.slice(0, 8)), ...attempt(1, STEPS.slice(1))];
  const lines = rows.map(({ step, values }) => ({ step, ...values }));
  for (const content of [verlConsole(rows), jsonl(lines)]) {
    const [run, ...others] = await runsOf(content);
    assert.equal(others.length, 0);
    assert.deepEqual(Array.from(run!.score!.steps), [0, 6]);
    assert.deepEqual(Array.from(run!.score!.values), [scoreOf(0, 0), scoreOf(1, 6)]);
  }
});

Deno.test("a validation that a resumed run logs again is no mean of both, where updates within a step are", async () => {
  const attempt = (run: number, steps: readonly number[]) =>
    steps.map((step) => ({
      step,
      entropy: entropyOf(run, step),
      ...(step % 6 === 0 ? { "eval/acc": scoreOf(run, step) } : {}),
    }));
  const resumed = [...attempt(0, STEPS.slice(0, 8)), ...attempt(1, STEPS.slice(4))];
  const [run] = await runsOf(jsonl(resumed));
  assert.deepEqual(Array.from(run!.score!.values), [scoreOf(0, 0), scoreOf(1, 6)]);
  assert.deepEqual(run!.notes, [
    "4 steps were logged again (4 to 7), with other values: the later ones hold.",
  ]);
  const again = attempt(0, STEPS).flatMap((row) => [row, { ...row, entropy: row.entropy + 1 }]);
  const [updates] = await runsOf(jsonl(again));
  assert.deepEqual(
    Array.from(updates!.entropy!.values, (value) => value.toFixed(9)),
    STEPS.map((step) => (entropyOf(0, step) + 0.5).toFixed(9)),
  );
});

Deno.test("keys that never change do not make two runs one, nor is the same log twice a run beside another", async () => {
  const constants = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`actor/zero${i}`, 0]));
  const still = (run: number) => flat(run).map((row) => ({ ...row, ...constants }));
  assertRuns(await runsOf(jsonl([...still(0), ...still(1)])), ["run 1", "run 2"]);
  assertRuns(await runsOf(jsonl([...flat(0), ...flat(0), ...flat(1)])), ["run 1", "run 2"]);
});

Deno.test("MLflow's files of metrics, in each of which the steps begin again", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "metrics"));
    for (const [key, value] of [["entropy", entropyOf], ["acc", scoreOf]] as const) {
      const lines = [0, 1].flatMap((run) =>
        STEPS.map((step) => `1700000000000 ${value(run, step)} ${step}\n`)
      );
      await Deno.writeTextFile(join(folder, "metrics", key), lines.join(""));
    }
    assertRuns(await readRuns(folder), ["run 1", "run 2"]);
    await assert.rejects(
      readRun(join(folder, "metrics", "acc")),
      (error: Error) =>
        error.message ===
          `${folder}/metrics/acc is one metric as MLflow keeps it, expected the folder of its run, ${folder}: it has all of them.`,
    );
  }));

Deno.test("lists of rows in a JSON document are runs, unless they are parts of one", async () => {
  assertRuns(await runsOf(JSON.stringify({ a: flat(0), b: flat(1) })), ["a", "b"]);
  const named = [{ name: "x", history: flat(0) }, { name: "y", history: flat(1) }];
  assertRuns(await runsOf(JSON.stringify({ runs: named })), ["x", "y"]);
  assertRuns(await runsOf(JSON.stringify(named)), ["x", "y"]);
  const rows = (key: string, of: typeof entropyOf) =>
    STEPS.map((step) => ({ step, [key]: of(0, step) }));
  const parts = { log: rows("entropy", entropyOf), scores: rows("accuracy", scoreOf) };
  assertRuns(await runsOf(JSON.stringify(parts)), ["log"]);
  const training = STEPS.map((step) => ({ step, entropy: entropyOf(0, step), accuracy: 0.9 }));
  const [run] = await runsOf(JSON.stringify({ train: training, eval: rows("accuracy", scoreOf) }));
  assert.deepEqual(run!.score!.keys, ["eval/accuracy"]);
  assertRuns([run!], ["log"]);
});

Deno.test("columns and members that name a run, however they are written", async () => {
  for (const column of ["Run ID", "run-name", "Run", "Experiment Name", "exp_name"]) {
    const rows = [0, 1].flatMap((run) => flat(run).map((row) => ({ [column]: "ab"[run], ...row })));
    const header = Object.keys(rows[0]!);
    const csv = [header, ...rows.map((row) => Object.values(row))].join("\n") + "\n";
    for (const content of [jsonl(rows), JSON.stringify(rows), csv]) {
      assertRuns(await runsOf(content), ["a", "b"]);
    }
  }
});
