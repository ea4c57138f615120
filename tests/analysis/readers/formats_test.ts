/** What is particular to one format each. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { cpuUsage } from "node:process";
import { gzipSync } from "node:zlib";
import { ReadError } from "../../../formats/errors.ts";
import { joinExports } from "../../../analysis/readers/join.ts";
import { notFiniteNotes } from "../../../analysis/readers/not_finite_notes.ts";
import { parsePythonLiteral } from "../../../formats/python_literal.ts";
import { readRun, readRuns } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { maskedCrc32c } from "../../../analysis/readers/tensorboard.ts";
import { withFolder } from "../../support.ts";
import * as write from "./write_logs.ts";

const ROWS: write.Row[] = Array.from({ length: 6 }, (_, step) => ({
  step,
  values: { "actor/entropy": 1 / (step + 1), "val-core/a/acc/mean@1": step / 10 },
}));

function points({ steps, values }: { steps: Float64Array; values: Float64Array }) {
  return Array.from(steps, (step, i) => [step, values[i]]);
}

async function inFile(
  name: string,
  content: string | Uint8Array,
  body: (path: string) => Promise<void>,
) {
  await withFolder(async (folder) => {
    const path = join(folder, name);
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
    await body(path);
  });
}

Deno.test("JSONL: several rows of one step are updates and averaged, a return to a step replaces it", () =>
  inFile(
    "m.jsonl",
    [[1, 0.8], [1, 0.6], [2, 0.5], [3, 0.4], [2, 0.3]].map(([step, entropy]) =>
      JSON.stringify({ step, entropy, reward: 1 })
    ).join("\n") + "\n",
    async (path) => {
      assert.deepEqual(points((await readRun(path)).entropy!), [[1, 0.7], [2, 0.3], [3, 0.4]]);
    },
  ));

Deno.test("JSONL: malformed lines, rows without a step, Python's NaN and a cut-off last line are counted", () =>
  inFile(
    "m.jsonl",
    '{"step": 1, "entropy": 0.5, "reward": 0.1}\nnot json\n{"entropy": 3}\n{"step": 2, "entropy": NaN, "reward": 0.2}\n{"step": 3, "entropy": 0.4, "rew',
    async (path) => {
      const run = await readRun(path);
      assert.deepEqual(points(run.entropy!), [[1, 0.5]]);
      assert.deepEqual(points(run.score!), [[1, 0.1], [2, 0.2]]);
      assert.equal(run.malformed.count, 3);
      assert.match(run.malformed.examples[1]!, /^line 3 names no step/);
    },
  ));

Deno.test("tables: cells of a column of numbers that are none are counted with their place, a column of text is not", () =>
  inFile(
    "t.csv",
    'step,entropy,acc,flag,model\n1,0x1f,62.2%,True,m\n2,0.8,"0,62",False,m\n3,1_000,0.62_0,,m\n' +
      "4,0b1,0.64,True,m\n5,,,,\n6,0.4,0.7,True,m\n",
    async (path) => {
      const run = await readRun(path);
      assert.deepEqual(points(run.entropy!), [[2, 0.8], [6, 0.4]]);
      assert.deepEqual(points(run.score!), [[1, 0.622], [4, 0.64], [6, 0.7]]);
      assert.equal(run.malformed.count, 5);
      assert.equal(run.malformed.examples[0], 'row 2, column "entropy": "0x1f"');
      assert.deepEqual(Array.from(run.keys.keys()), ["step", "acc", "entropy"]);
    },
  ));

Deno.test("JSONL: texts, flags and lists under a key of numbers are counted with their place, a key of text is not", () =>
  inFile(
    "m.jsonl",
    '{"step":1,"entropy":0.5,"acc":"0x62","mode":"a"}\n{"step":2,"entropy":[0.4],"acc":0.7,"mode":"b"}\n' +
      '{"step":3,"entropy":true,"acc":0.8,"mode":"c"}\n{"step":4,"entropy":0.3,"acc":0.8,"mode":"c"}\n',
    async (path) => {
      const run = await readRun(path);
      assert.deepEqual(points(run.entropy!), [[1, 0.5], [4, 0.3]]);
      assert.deepEqual(points(run.score!), [[2, 0.7], [3, 0.8], [4, 0.8]]);
      assert.deepEqual(run.malformed.examples.toSorted(), [
        'line 1, "acc": "0x62"',
        'line 2, "entropy": "a list"',
        'line 3, "entropy": "true"',
      ]);
    },
  ));

Deno.test("values of the chosen keys that are not finite are noted, in every kind of writing; null is no value", async () => {
  const note = [
    "2 values of entropy are not finite and are left out, the first at step 1.",
    "1 value of acc is not finite and is left out, the first at step 2.",
  ];
  const logs = [
    '{"step":1,"entropy":1e999,"acc":0.1}\n{"step":2,"entropy":NaN,"acc":-Infinity}\n{"step":3,"entropy":0.5,"acc":0.3}\n{"step":4,"entropy":null,"acc":null}\n',
    '{"step":1,"entropy":"Infinity","acc":0.1}\n{"step":2,"entropy":"NaN","acc":"-Infinity"}\n{"step":3,"entropy":0.5,"acc":0.3}\n',
    "step,entropy,acc,other\n1,1e999,0.1,nan\n2,NaN,nan,1\n3,0.5,0.3,1\n4,null,None,1\n",
    "step:1 - entropy:inf - acc:0.1\nstep:2 - entropy:nan - acc:1e999\nstep:3 - entropy:0.5 - acc:0.3\n",
    '[{"step":1,"entropy":1e999,"acc":0.1},{"step":2,"entropy":NaN,"acc":NaN},{"step":3,"entropy":0.5,"acc":0.3}]',
    "{'step': 1, 'entropy': inf, 'acc': 0.1}\n{'step': 2, 'entropy': nan, 'acc': 'nan'}\n{'step': 3, 'entropy': 0.5, 'acc': 0.3}\n",
    '{"run":{}}\n{"step":1,"data":{"entropy":null,"acc":0.1}}\n{"step":2,"data":{"entropy":null,"acc":null}}\n{"step":3,"data":{"entropy":0.5,"acc":0.3}}\n',
  ];
  for (const log of logs) {
    await inFile("log", log, async (path) => {
      const run = await readRun(path);
      assert.deepEqual(run.notes, []);
      assert.deepEqual(notFiniteNotes(["entropy", "acc"], run.notFinite), note);
      assert.equal(run.malformed.count, 0);
      const { count, first, last, steps } = run.notFinite.get("entropy")!;
      assert.deepEqual([count, first, last, Array.from(steps)], [2, 1, 2, [1, 2]]);
      assert.deepEqual(points(run.entropy!), [[3, 0.5]]);
    });
  }
});

Deno.test("steps that are logged again are noted, updates within a step are not", async () => {
  const note = ["2 steps were logged again (2 to 3), with the same values."];
  const steps = [1, 2, 3, 2, 3, 4];
  const lines = (row: (step: number) => string) => steps.map((step) => `${row(step)}\n`).join("");
  const logs = [
    lines((step) => `step:${step} - actor/entropy:0.5`),
    lines((step) => JSON.stringify({ step, data: { "actor/entropy": 0.5 } })),
    lines((step) => JSON.stringify({ step, entropy: 0.5 })),
    "step,entropy\n" + lines((step) => `${step},0.5`),
  ];
  for (const log of logs) {
    await inFile("log", log, async (path) => assert.deepEqual((await readRun(path)).notes, note));
  }
  const updates = [1, 1, 2, 2, 3].map((step) => JSON.stringify({ step, entropy: 0.5 })).join("\n");
  await inFile("log", updates, async (path) => assert.deepEqual((await readRun(path)).notes, []));
});

Deno.test("rows read by the logger's step before the trainer's appeared are left out where the two differ", async () => {
  const rows = (steps: readonly Record<string, number>[]) =>
    steps.map((step, i) => JSON.stringify({ ...step, entropy: 1 - i / 10 }) + "\n").join("");
  const key = "train/global_step";
  const cases: [string, number[], string][] = [
    [
      rows([{ _step: 5 }, { _step: 6 }, { _step: 7, [key]: 70 }, { _step: 8, [key]: 80 }]),
      [70, 80],
      "2 rows were read by _step, before train/global_step appeared as 70 at _step 7; they are left out.",
    ],
    [
      "_step,train/global_step,entropy\n1,,0.5\n2,20,0.4\n3,30,0.3\n",
      [20, 30],
      "1 row was read by _step, before train/global_step appeared as 20 at _step 2; it is left out.",
    ],
    [
      rows([{ _step: 1 }, { _step: 2, [key]: 2 }]),
      [1, 2],
      "1 row was read by _step, before train/global_step appeared; the two agree there.",
    ],
    [
      rows([{ _step: 1 }, { [key]: 20 }]),
      [1, 20],
      "1 row was read by _step, before train/global_step appeared; whether the two count alike cannot be told.",
    ],
  ];
  for (const [log, steps, note] of cases) {
    await inFile("log", log, async (path) => {
      const run = await readRun(path);
      assert.deepEqual(Array.from(run.entropy!.steps), steps);
      assert.equal(run.steps.first, steps[0]);
      assert.deepEqual(run.notes, [note]);
    });
  }
});

Deno.test("benchmarks whose names differ in a capital, a dot or a dash below are two, none vanishes", async () => {
  for (const [one, other] of [["math_500", "math.500"], ["MATH", "math"]]) {
    const [first, second] = [one, other].map((name) => `val-core/${name}/acc/mean@8`);
    await inFile("log", `step:1 - ${first}:0.2 - ${second}:0.6\n`, async (path) => {
      const { score } = await readRun(path);
      assert.deepEqual(score!.keys, [first, second]);
      assert.equal(score!.values[0], 0.4);
    });
  }
});

Deno.test("a key that is another writing of the chosen one is named, as it is not used", () =>
  inFile(
    "log",
    "step:1 - actor/entropy:0.5 - actor_entropy:0.7 - val-core/a/acc/mean@1:0.2 - val_core/a/acc/mean@1:0.3 - eval/acc:0.1\n",
    async (path) => {
      const run = await readRun(path);
      assert.equal(run.entropy!.key, "actor/entropy");
      assert.deepEqual(run.notes, [
        "actor_entropy is another writing of actor/entropy and is not used.",
      ]);
    },
  ));

Deno.test("W&B history: the trainer's step counts, not the number of log calls", () =>
  inFile(
    "history.jsonl",
    [10, 20, 30].map((step, call) =>
      JSON.stringify({
        _step: call,
        "train/global_step": step,
        "train/entropy": 0.5,
        "eval/reward": 0.1,
      })
    ).join("\n"),
    async (path) =>
      assert.deepEqual(Array.from((await readRun(path)).entropy!.steps), [10, 20, 30]),
  ));

Deno.test("trainer_state.json: evaluation rows stand apart, eval_entropy is not the policy entropy", () =>
  inFile(
    "state",
    write.trainerState([
      { step: 10, values: { entropy: 0.9, reward: 0.2, "completions/mean_length": 50 } },
      { step: 10, values: { eval_entropy: 0.1, eval_reward: 0.3 } },
      { step: 20, values: { entropy: 0.8, reward: 0.4 } },
    ]),
    async (path) => {
      const run = await readRun(path);
      assert.equal(run.framework, "trl");
      assert.deepEqual(points(run.entropy!), [[10, 0.9], [20, 0.8]]);
      assert.equal(run.entropy!.measured, "during the update");
      assert.deepEqual(run.score!.keys, ["eval_reward"]);
    },
  ));

Deno.test("trainer_state.json on one line is recognised too", () =>
  inFile(
    "state",
    JSON.stringify({ log_history: [{ step: 1, entropy: 0.5, eval_reward: 1 }] }),
    async (path) => assert.equal((await readRun(path)).format, "trainer-state"),
  ));

Deno.test("W&B CSV: one column per run and key, MIN and MAX ignored, a run named with a dash", () =>
  inFile("chart.csv", write.wandbCsv({ "a - b": ROWS, c: ROWS.slice(2) }), async (path) => {
    const runs = await readRuns(path);
    assert.deepEqual(runs.map(({ name }) => name), ["a - b", "c"]);
    assert.deepEqual(Array.from(runs[1]!.entropy!.steps), [2, 3, 4, 5]);
    assert.equal(runs[0]!.entropy!.values[1], 0.5);
    await assert.rejects(() => readRun(path), /holds 2 runs \("a - b", "c"\), expected one/);
  }));

Deno.test("W&B CSV: the entropy and the score of a run in two files are joined by the run's name", () =>
  withFolder(async (folder) => {
    const only = (key: string) =>
      ROWS.map(({ step, values }) => ({ step, values: { [key]: values[key]! } }));
    const files = { "actor/entropy": "h.csv", "val-core/a/acc/mean@1": "r.csv" };
    for (const [key, name] of Object.entries(files)) {
      const runs = { first: only(key), second: only(key).slice(1) };
      await Deno.writeTextFile(join(folder, name), write.wandbCsv(runs));
    }
    const read = (await Promise.all(["r.csv", "h.csv"].map((name) => readRuns(join(folder, name)))))
      .flat();
    const joined = joinExports(read);
    assert.deepEqual(joined.map(({ name }) => name), ["first", "second"]);
    assert(
      joined.every(({ entropy, score, framework }) => entropy && score && framework === "verl"),
    );
    assert.equal(joined[1]!.score!.values.length, 5);
  }));

Deno.test("W&B CSV: exports over time, over different steps or over nothing are not joined, in one sentence", () =>
  withFolder(async (folder) => {
    const table = (axis: string, key: string) => {
      const lines = ["run", "other"].map((run) => `"${run} - ${key}"`).join(",");
      return axis === ""
        ? `${lines}\n0.5,0.5\n0.4,0.4\n`
        : `"${axis}",${lines}\n10,0.5,0.5\n20,0.4,0.4\n`;
    };
    const cases: [string, string, RegExp?][] = [
      [
        "Wall Time",
        "Wall Time",
        /entropy over "Wall Time" and .* score over "Wall Time", expected/,
      ],
      ["Step", "Relative Time (Process)", /over "Step" and .* over "Relative Time \(Process\)", /],
      ["Step", "train/global_step", /over "Step" and .* over "train\/global_step", expected both/],
      ["", "Step", /entropy over no column and .* score over "Step", expected both over Step/],
      ["Step", "Step"],
      ["train/global_step", "train/global_step"],
    ];
    for (const [one, other, refusal] of cases) {
      const paths = [join(folder, "h.csv"), join(folder, "r.csv")] as const;
      await Deno.writeTextFile(paths[0], table(one, "actor/entropy"));
      await Deno.writeTextFile(paths[1], table(other, "critic/score/mean"));
      const read = (await Promise.all(paths.map((path) => readRuns(path)))).flat();
      const errors: ReadError[] = [];
      const joined = joinExports(read, (error) => errors.push(error));
      if (refusal === undefined) {
        assert.deepEqual(joined.map(({ name }) => name), ["run", "other"]);
        assert.equal(errors.length, 0);
      } else {
        assert.deepEqual(joined, []);
        assert.equal(errors.length, 1);
        assert.match(errors[0]!.message, refusal);
        assert.throws(() => joinExports(read), ReadError);
      }
    }
  }));

Deno.test("W&B CSV: each of 40 000 runs finds its other half among the others", () => {
  const half = (name: string, part: "entropy" | "score") =>
    ({
      format: "wandb-csv",
      name,
      [part]: {},
      steps: { first: 0, last: 1 },
      choices: {},
      notFinite: new Map(),
      unrecognised: [],
      validationKeys: [],
      series: new Map(),
      keys: new Map(),
      malformed: { count: 0, examples: [] },
      notes: [],
    }) as unknown as Run;
  const names = Array.from({ length: 40_000 }, (_, i) => `run ${i}`);
  const runs = [
    ...names.map((name) => half(name, "score")),
    ...names.toReversed().map((name) => half(name, "entropy")),
    half("alone", "score"),
  ];
  const before = cpuUsage();
  const joined = joinExports(runs);
  const { user } = cpuUsage(before);
  assert(user < 4e6, `joining took ${user / 1e6} s`);
  assert.deepEqual(joined.map(({ name }) => name), [...names, "alone"]);
  assert(joined.every(({ entropy, score }, i) => score && (entropy || i === names.length)));
});

Deno.test("an accuracy that mixes fractions and values above 1 is left as it is, and that is noted", async () => {
  const table = (values: readonly number[]) =>
    "step,entropy,acc\n" + values.map((value, i) => `${i},1,${value}\n`).join("");
  for (const mixed of [[0.5, 0.6, 0.62, 63, 64], [50, 60, 0.61, 0.63], [0.5, 0.6, 1.2, 0.5]]) {
    await inFile("t.csv", table(mixed), async (path) => {
      const run = await readRun(path);
      assert.deepEqual(Array.from(run.score!.values), mixed);
      assert.equal(run.score!.unit, "reward");
      assert.deepEqual(run.notes, [
        "acc has many values between 0 and 1 and others above 1, so whether it is in percent cannot be told; it is left as it is.",
      ]);
    });
  }
  for (const percent of [[0.4, 12, 25], [0, 0.2, 0.4, 0.8, 1.5, 9], [0, 0, 0.4, 40, 50]]) {
    await inFile("t.csv", table(percent), async (path) => {
      const run = await readRun(path);
      assert.deepEqual(Array.from(run.score!.values), percent.map((value) => value / 100));
      assert.deepEqual(run.notes, ["acc is in percent and was divided by 100."]);
    });
  }
});

Deno.test("a reward that is its one accuracy is a fraction, and one with other terms is not", async () => {
  const rows = (more: number) =>
    JSON.stringify(Array.from({ length: 12 }, (_, step) => ({
      step,
      entropy: 1 / (1 + step),
      reward: Math.fround(0.3 + step / 30 + more),
      "rewards/accuracy/mean": 0.3 + step / 30,
    })));
  for (const [more, unit] of [[0, "fraction"], [0.1, "reward"]] as const) {
    await inFile("t.json", rows(more), async (path) => {
      const { score } = await readRun(path);
      assert.deepEqual(score!.keys, ["reward"]);
      assert.equal(score!.unit, unit);
    });
  }
});

Deno.test("CSV: percent becomes a fraction where the key names an accuracy, and nowhere else", () =>
  inFile(
    "t.csv",
    "step,entropy,accuracy\n1,0.5,40\n2,0.4,60\n",
    async (path) => {
      const run = await readRun(path);
      assert.deepEqual(points(run.score!), [[1, 0.4], [2, 0.6]]);
      assert.equal(run.score!.unit, "fraction");
      assert.deepEqual(run.notes, ["accuracy is in percent and was divided by 100."]);
      await Deno.writeTextFile(path, "step,entropy,performance\n1,0.5,40\n2,0.4,60\n");
      const reward = await readRun(path);
      assert.deepEqual(points(reward.score!), [[1, 40], [2, 60]]);
      assert.equal(reward.score!.unit, "reward");
    },
  ));

Deno.test("CSV: rows of a wrong length are counted, text columns are no metrics", () =>
  inFile(
    "t.csv",
    "step,entropy,score,model\n1,0.5,0.1,qwen\n2,0.4\n3,0.3,0.3,qwen\n",
    async (path) => {
      const run = await readRun(path);
      assert.deepEqual(Array.from(run.entropy!.steps), [1, 3]);
      assert.equal(run.malformed.count, 1);
      assert(!run.keys.has("model"));
    },
  ));

Deno.test("CSV: the last number of a cut file is left out and named, unless the file is known to be whole", () =>
  withFolder(async (folder) => {
    const table = "step,entropy,accuracy\n1,1.0000,0.5000\n2,0.7692,0.5923\n3,0.6250,0.6500";
    const cases: [
      name: string,
      content: string | Uint8Array,
      scores: number[],
      malformed: string[],
    ][] = [
      ["whole", table + "\n", [0.5, 0.5923, 0.65], []],
      ["whole on Windows", table.replaceAll("\n", "\r\n") + "\r\n", [0.5, 0.5923, 0.65], []],
      ["cut within the number", table.slice(0, -4), [0.5, 0.5923], [
        'row 4 ends without a newline, so its last cell may be cut off: "0."',
      ]],
      ["without a newline", table, [0.5, 0.5923], [
        'row 4 ends without a newline, so its last cell may be cut off: "0.6500"',
      ]],
      ["gzipped whole", gzipSync(table), [0.5, 0.5923, 0.65], []],
      ["gzipped and cut", gzipSync(table).subarray(0, -8), [0.5, 0.5923], [
        'row 4 ends without a newline, so its last cell may be cut off: "0.6500"',
        'gzip data: "cut off"',
      ]],
      ["quoted", table.replace(/0\.6500$/, '"0.6500"'), [0.5, 0.5923, 0.65], []],
      ["cut within the row", table.slice(0, -7), [0.5, 0.5923], [
        'row 4 has 2 cells, expected 3: "3,0.6250"',
      ]],
    ];
    for (const [name, content, scores, malformed] of cases) {
      const path = join(folder, "t.csv");
      await Deno.writeFile(
        path,
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
      const run = await readRun(path);
      assert.deepEqual(Array.from(run.score!.values), scores, name);
      assert.deepEqual(run.malformed.examples, malformed, name);
      // The entropy of the last row has a comma behind it.
      assert.equal(run.entropy!.values.length, name === "cut within the row" ? 2 : 3, name);
    }
  }));

Deno.test("CSV: a step that may be cut leaves its row out; W&B's exports are treated alike", () =>
  inFile("t.csv", "entropy,accuracy,step\n0.5,0.1,9\n0.4,0.2,1", async (path) => {
    assert.deepEqual(points((await readRun(path)).entropy!), [[9, 0.5]]);
    await Deno.writeTextFile(path, "Step,a - entropy,a - accuracy\n1,0.5,0.10\n2,0.4,0.2");
    const run = await readRun(path);
    assert.deepEqual(points(run.score!), [[1, 0.1]]);
    assert.equal(run.malformed.count, 1);
  }));

Deno.test("CSV: the rows before a quotation mark that is never closed are all kept", () =>
  inFile(
    "t.csv",
    "step,entropy,score\n" + Array.from({ length: 40 }, (_, i) => `${i},0.5,"0.${i}"\n`).join("") +
      '40,0.5,"0.4',
    async (path) => {
      const run = await readRun(path);
      assert.equal(run.score!.values.length, 40);
      assert.equal(run.malformed.count, 1);
    },
  ));

Deno.test("TensorBoard: a record that claims more bytes than the file has is said to lose the rest", () =>
  inFile("events", write.tensorBoard(ROWS, false), async (path) => {
    const header = new Uint8Array(12);
    const view = new DataView(header.buffer);
    view.setUint32(4, 1 << 21, true);
    view.setUint32(8, maskedCrc32c(header.subarray(0, 8)), true);
    const events = write.tensorBoard(ROWS, false);
    await Deno.writeFile(path, Uint8Array.from([...events, ...header, ...events]));
    const { malformed } = await readRun(path);
    assert.equal(malformed.count, 1);
    assert.match(
      malformed.examples[0]!,
      /longer than the file; the rest of the file is lost/,
    );
  }));

Deno.test("the last field of a gzipped console log without a newline is whole", () =>
  inFile(
    "log.gz",
    gzipSync("step:1 - actor/entropy:0.9\nstep:2 - actor/entropy:0.8"),
    async (path) => {
      assert.deepEqual(points((await readRun(path)).entropy!), [[1, 0.9], [2, 0.8]]);
      await Deno.writeFile(path, (await Deno.readFile(path)).subarray(0, -1));
      assert.deepEqual(points((await readRun(path)).entropy!), [[1, 0.9]]);
    },
  ));

Deno.test("a step that is negative, infinite or past 2^53 is named and its row left out, in every format", () =>
  withFolder(async (folder) => {
    const step = (step: number) => ({ step, values: { entropy: 0.5, "actor/entropy": 0.5 } });
    const event = (one: number) => write.tensorBoard([step(1), step(one)], true);
    const cases: [content: string | Uint8Array, complaint: RegExp][] = [
      ["step,entropy\n1,0.5\n1e999,0.5\n", /^row 3 has the step 1e999, expected 0 to 2\^53/],
      ["step,entropy\n1,0.5\n-1,0.5\n", /^row 3 has the step -1, expected 0/],
      ['{"step":1,"entropy":0.5}\n{"step":1e999,"entropy":0.5}\n', /^line 2 has the step Infinity/],
      ['{"step":1,"entropy":0.5}\n{"step":-3,"entropy":0.5}\n', /^line 2 has the step -3/],
      ['{"step":1,"entropy":0.5}\n{"step":1e16,"entropy":0.5}\n', /^line 2 has the step 10{16},/],
      [
        '{"log_history":[{"step":1,"entropy":0.5},{"step":1e999,"entropy":0.5}]}',
        /^log_history\[1\] has the step Infinity/,
      ],
      [
        `step:1 - actor/entropy:0.5\nstep:${"9".repeat(400)} - actor/entropy:0.5\n`,
        /^line 2 has the step 9{24}, expected/,
      ],
      [event(-5), /record 3: "has the step -5, expected 0/],
      [write.wandbBinary([step(1), step(-1)]), /^record: "has the step -1, expected 0/],
    ];
    for (const [content, complaint] of cases) {
      const path = join(folder, "log");
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(path, bytes);
      const run = await readRun(path);
      assert.deepEqual(points(run.entropy!), [[1, 0.5]], String(complaint));
      assert.deepEqual(run.steps, { first: 1, last: 1 });
      assert.match(run.malformed.examples[0]!, complaint);
    }
  }));

Deno.test("trainer_state.json comes in pieces: brackets and names within strings are no structure", () =>
  inFile(
    "state",
    JSON.stringify({
      "a": ["log_history", { "log_history": [{ step: 9, entropy: 9 }] }],
      'quo\\"ted{[': 'log_history": [',
      log_history: Array.from(
        { length: 9000 },
        (_, step) => ({ step, note: '}],"\\[{', entropy: 0.5, nested: { list: [1, [2]] } }),
      ),
      "after": { "log_history": 1 },
    }),
    async (path) => {
      const run = await readRun(path);
      assert.equal(run.format, "trainer-state");
      assert.equal(run.entropy!.values.length, 9000);
      assert.equal(run.malformed.count, 0);
      for (const broken of ["x", "{}", "]"]) {
        await Deno.writeTextFile(path, '{"log_history": [{"step": 1, "entropy": 2}]}\n' + broken);
        await assert.rejects(() => readRun(path), /is not a whole one with a list/);
      }
      await Deno.writeTextFile(path, '{"log_history": []}');
      await assert.rejects(() => readRun(path), /\(read as trainer-state\) holds no metrics\.$/);
    },
  ));

Deno.test("a row of JSON lines may be longer than what the format is told from", () =>
  inFile(
    "long.jsonl",
    JSON.stringify({ run: { note: "x".repeat(600_000) } }) + "\n" +
      JSON.stringify({ step: 1, data: { "actor/entropy": 0.5, "val-core/a/acc/mean@1": 1 } }) +
      "\n",
    async (path) => assert.equal((await readRun(path)).format, "run-log"),
  ));

Deno.test({
  name: "of a folder of event files those that can be opened are read, and the others named",
  ignore: Deno.build.os === "windows" || Deno.uid() === 0,
  fn: () =>
    withFolder(async (folder) => {
      const path = (i: number) => join(folder, `events.out.tfevents.170000000${i}.a`);
      for (const i of [1, 2]) await Deno.writeFile(path(i), write.tensorBoard(ROWS, true));
      await Deno.chmod(path(1), 0);
      const run = await readRun(folder);
      assert.equal(run.entropy!.values.length, ROWS.length);
      assert.match(run.malformed.examples[0]!, /tfevents\.1700000001.*permission denied/);
      await Deno.chmod(path(2), 0);
      await assert.rejects(() => readRun(folder), /cannot be read: permission denied\.$/);
    }),
});

Deno.test("event files are found through links, and a link to nothing is passed over", () =>
  withFolder(async (folder) => {
    const events = join(folder, "events");
    await Deno.mkdir(events);
    await Deno.writeFile(join(folder, "file"), write.tensorBoard(ROWS, true));
    await Deno.symlink(join(folder, "file"), join(events, "events.out.tfevents.1700000001.a"));
    await Deno.symlink(join(folder, "none"), join(events, "events.out.tfevents.1700000002.a"));
    assert.equal((await readRun(events)).entropy!.values.length, ROWS.length);
  }));

Deno.test("TensorBoard: the checksum of TFRecord is CRC-32C, rotated and offset", () => {
  // CRC-32C of "123456789" is e3069283 (RFC 3720, appendix B.4, gives the polynomial).
  const crc = 0xe3069283;
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  assert.equal(maskedCrc32c(new TextEncoder().encode("123456789")), masked);
});

Deno.test("TensorBoard: simple values and tensors, a damaged record is skipped and counted", () =>
  inFile("events.out.tfevents.1", write.tensorBoard(ROWS, false), async (path) => {
    const run = await readRun(path);
    assert.equal(run.entropy!.values[2], Math.fround(1 / 3));
    const bytes = await Deno.readFile(path);
    const at = bytes.length - 20;
    bytes[at] = bytes[at]! ^ 1;
    await Deno.writeFile(path, bytes);
    const damaged = await readRun(path);
    assert.equal(damaged.score!.values.length, ROWS.length - 1);
    assert.equal(damaged.malformed.count, 1);
    assert.match(damaged.malformed.examples[0]!, /checksum does not match/);
  }));

Deno.test("TensorBoard: a folder of event files is one run; a file twice changes nothing", () =>
  withFolder(async (folder) => {
    await Deno.writeFile(
      join(folder, "events.out.tfevents.1700000001.host.1.0"),
      write.tensorBoard(ROWS.slice(0, 3), true),
    );
    await Deno.writeFile(
      join(folder, "events.out.tfevents.1700000002.host.1.0"),
      write.tensorBoard(ROWS.slice(3), true),
    );
    await Deno.writeFile(
      join(folder, "events.out.tfevents.1700000003.host.1.0"),
      write.tensorBoard(ROWS.slice(3), true),
    );
    const run = await readRun(folder);
    assert.deepEqual(Array.from(run.entropy!.steps), [0, 1, 2, 3, 4, 5]);
  }));

Deno.test(".wandb: records that span blocks, configuration, nested names, a damaged fragment", () =>
  withFolder(async (folder) => {
    const path = join(folder, "run.wandb");
    const config = { note: "x".repeat(100_000), actor: { lr: 1e-6 } };
    const bytes = write.wandbBinary(ROWS, { config, nested: true });
    await Deno.writeFile(path, bytes);
    const run = await readRun(path);
    assert.deepEqual(run.config, config);
    assert.deepEqual(
      points(run.entropy!),
      ROWS.map(({ step, values }) => [step, values["actor/entropy"]]),
    );
    bytes[40_000] = bytes[40_000]! ^ 1; // Within the configuration's second block.
    await Deno.writeFile(path, bytes);
    const damaged = await readRun(path);
    assert.equal(damaged.malformed.count, 1);
    assert.equal(damaged.config, undefined);
    assert.equal(damaged.entropy!.values.length, ROWS.length);
  }));

Deno.test("keys can be named; a key that is not there is told with those that are", () =>
  inFile("t.csv", "step,h,r,entropy,score\n1,0.5,0.1,9,9\n2,0.4,0.2,9,9\n", async (path) => {
    const run = await readRun(path, { entropyKey: "h", scoreKey: "r" });
    assert.deepEqual(points(run.entropy!), [[1, 0.5], [2, 0.4]]);
    assert.deepEqual(points(run.score!), [[1, 0.1], [2, 0.2]]);
    await assert.rejects(
      () => readRun(path, { entropyKey: "H" }),
      (error) =>
        error instanceof ReadError &&
        error.message === `${path} has no key "H"; it has entropy, h, r, score, step.`,
    );
  }));

Deno.test("files that are no logs: each gets its sentence", () =>
  withFolder(async (folder) => {
    const cases: [string, string | Uint8Array, RegExp][] = [
      ["empty", "", /is empty, expected a training log\.$/],
      [
        "binary",
        new Uint8Array([1, 2, 0, 4, 5]),
        /is a binary file, but neither TensorBoard events nor/,
      ],
      [
        "table.csv",
        "step,entropy\n",
        /is a table without rows, with the columns step, entropy, expected/,
      ],
      ["doc.json", '{\n "log_history": [', /not a whole one with a list "log_history"/],
    ];
    for (const [name, content, expected] of cases) {
      const path = join(folder, name);
      await Deno.writeFile(
        path,
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
      await assert.rejects(() => readRun(path), (error) =>
        error instanceof ReadError && expected.test(error.message));
    }
    await assert.rejects(() =>
      readRun(join(folder, "none")), /none does not exist\.$/);
    await assert.rejects(() => readRun(folder), /is a directory without TensorBoard event files/);
  }));

Deno.test("Python literals as pprint writes them", () => {
  const text = `{'a': {'lr': 1e-06, 'on': True, 'off': None},
 'long': ('one '
          "two's"),
 'list': [1, -2.5, 'x'], 'tuple': (1, 2), 'single': (3,)}`;
  assert.deepEqual(parsePythonLiteral(text), {
    a: { lr: 1e-6, on: true, off: null },
    long: "one two's",
    list: [1, -2.5, "x"],
    tuple: [1, 2],
    single: [3],
  });
  const broken = ["{'a': ", "{'a' 1}", "'x", "'", "'x\\'", "f(1)", "[1] 2", "[".repeat(1000)];
  assert.equal(parsePythonLiteral("'it\\'s \\\\'"), "it's \\");
  for (const text of [...broken, "constructor", "toString"]) {
    assert.equal(parsePythonLiteral(text), undefined);
  }
});
