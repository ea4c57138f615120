/** Logs in the shapes that people have them in: each is read, or refused with a sentence that is true of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { companionOf } from "../../../analysis/readers/companions.ts";
import { joinExports } from "../../../analysis/readers/join.ts";
import { pairs } from "../../../analysis/pairs.ts";
import { readRun, readRuns } from "../../../analysis/readers/read_run.ts";
import type { LogFormat, Run } from "../../../analysis/readers/run.ts";
import { ReadError } from "../../../formats/errors.ts";
import { withFolder } from "../../support.ts";
import { msSwift, tensorBoard, trainerState, verlConsole, wandbBinary } from "./write_logs.ts";

const N = 8;
const STEPS = Array.from({ length: N }, (_, i) => 10 * i);
const ENTROPY = STEPS.map((_, i) => 1 / (1 + i));
const REWARD = STEPS.map((_, i) => 0.3 + i / 20);
const ROWS = STEPS.map((step, i) => ({
  step,
  values: { "actor/entropy": ENTROPY[i]!, "val-core/a/acc/mean@1": REWARD[i]! },
}));
const records = (step: (i: number) => Record<string, unknown> = (i) => ({ step: STEPS[i] })) =>
  STEPS.map((_, i) => ({ ...step(i), entropy: ENTROPY[i], reward: REWARD[i] }));
const jsonl = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row) + "\n").join("");

async function inFile(content: string | Uint8Array, check: (path: string) => Promise<void>) {
  await withFolder(async (folder) => {
    const path = join(folder, "log");
    await Deno.writeFile(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    await check(path);
  });
}

function assertWhole(run: Run, steps: readonly number[] = STEPS): void {
  assert.deepEqual(Array.from(run.entropy!.steps), steps);
  assert.deepEqual(Array.from(run.entropy!.values), ENTROPY);
  assert.deepEqual(Array.from(run.score!.values), REWARD);
  assert.equal(run.malformed.count, 0, run.malformed.examples[0]);
  assert.equal(pairs(run).length, N);
}

const table = (separator: string, write: (value: number) => string = String) =>
  [
    ["step", "entropy", "reward"],
    ...STEPS.map((step, i) => [step, ENTROPY[i]!, REWARD[i]!].map(write)),
  ].map((cells) => cells.join(separator) + "\n").join("");
/** The table with a column before the others. */
const behind = (index: string, separator: string) =>
  table(separator).trimEnd().split("\n").map((line, i) =>
    `${i === 0 ? index : i - 1}${separator}${line}\n`
  ).join("");
const columns = { step: STEPS, entropy: ENTROPY, reward: REWARD };
const indexed = (values: readonly number[]) =>
  Object.fromEntries(values.map((value, i) => [String(i), value]));

const texts = records().map((row) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]))
);

const SHAPES: Record<string, [LogFormat, string]> = {
  "a JSON list on one line": ["json-rows", JSON.stringify(records())],
  "a JSON list over many lines": ["json-rows", JSON.stringify(records(), null, 2)],
  "a JSON list with a row on each line": [
    "json-rows",
    `[\n${records().map((row) => JSON.stringify(row)).join(",\n")}\n]\n`,
  ],
  "JSON columns": ["json-columns", JSON.stringify(columns)],
  "JSON columns over many lines": ["json-columns", JSON.stringify(columns, null, 1)],
  "the JSON that pandas writes": [
    "json-columns",
    JSON.stringify({ step: indexed(STEPS), entropy: indexed(ENTROPY), reward: indexed(REWARD) }),
  ],
  "rows under another name": [
    "json-columns",
    JSON.stringify({ name: "x", logs: records() }, null, 2),
  ],
  "JSON lines of texts": ["jsonl", jsonl(texts)],
  "a JSON list of texts": ["json-rows", JSON.stringify(texts)],
  "JSON columns of texts": [
    "json-columns",
    JSON.stringify({
      step: STEPS.map(String),
      entropy: ENTROPY.map(String),
      reward: REWARD.map(String),
    }),
  ],
  "JSON lines with objects in objects": [
    "jsonl",
    jsonl(records().map(({ reward, ...row }) => ({ ...row, train: { rollout: { reward } } }))),
  ],
  "tabs": ["csv", table("\t")],
  "semicolons": ["csv", table(";")],
  "semicolons and decimal commas": ["csv", table(";", (value) => String(value).replace(".", ","))],
  "pandas' index without a name": ["csv", behind("", ",")],
  "pandas' index read and written again": ["csv", behind("Unnamed: 0", ",")],
  "a tab before the first name": ["csv", behind("", "\t")],
  "printed dictionaries with a step": [
    "trainer-console",
    "Some weights were not used.\n" +
    STEPS.map((step, i) => `{'entropy': ${ENTROPY[i]}, 'reward': ${REWARD[i]}, 'step': ${step}}\n`)
      .join(""),
  ],
};

for (const [name, [format, content]] of Object.entries(SHAPES)) {
  Deno.test(`${name}: read, plain and gzipped`, async () => {
    for (const bytes of [new TextEncoder().encode(content), gzipSync(content)]) {
      await inFile(bytes, async (path) => {
        const run = await readRun(path);
        assert.equal(run.format, format);
        assertWhole(run);
      });
    }
  });
}

const STEP_NAMES = [
  ...["step", "_step", "global_step", "progress/batch", "iter", "iteration", "update", "epoch"],
  ...["train/global_step", "trainer/global_step", "train/step", "rollout/step"],
];

for (const name of STEP_NAMES) {
  Deno.test(`rows stepped by ${name} are read as JSON lines, as a list and as a table`, async () => {
    const rows = records((i) => ({ [name]: STEPS[i] }));
    const csv = [
      `${name},entropy,reward`,
      ...STEPS.map((step, i) => `${step},${ENTROPY[i]},${REWARD[i]}`),
    ];
    for (const content of [jsonl(rows), JSON.stringify(rows), csv.join("\n") + "\n"]) {
      await inFile(content, async (path) => assertWhole(await readRun(path)));
    }
  });
}

Deno.test("rows that name no step are counted, and that is said; many rows of one epoch too", async () => {
  const places = STEPS.map((_, i) => i);
  const rows = [records(() => ({})), records(() => ({ epoch: 0 }))];
  for (const content of [...rows.map(jsonl), ...rows.map((list) => JSON.stringify(list))]) {
    await inFile(content, async (path) => {
      const run = await readRun(path);
      assertWhole(run, places);
      assert.deepEqual(run.notes, ["the log names no step: its rows were counted, from 0."]);
    });
  }
});

Deno.test("a column of steps that cannot be read is named, with what stands there and what is expected", async () => {
  const table = (cells: readonly (number | string)[]) =>
    ["step,entropy,reward", ...STEPS.map((_, i) => `${cells[i]},${ENTROPY[i]},${REWARD[i]}`)]
      .join("\n") + "\n";
  const why = (first: string) =>
    `what stands under step is no step ("${first}", expected 0 to 2^53 − 1): `;
  for (
    const [cellOf, first] of [
      [(i: number) => i - 100, "-100"],
      [(i: number) => `"1,0${10 + i}"`, "1,010"],
      [(i: number) => 1.7e18 + i, "1700000000000000000"],
      [(i: number) => i === 0 ? "" : `0x${i}`, "0x1"],
    ] as const
  ) {
    await inFile(table(STEPS.map((_, i) => cellOf(i))), async (path) => {
      const run = await readRun(path);
      assertWhole(run, STEPS.map((_, i) => i));
      assert.deepEqual(run.notes, [`${why(first)}the rows were counted, from 0.`]);
    });
  }
  await inFile(table(STEPS.map((_, i) => i - 2)), async (path) => {
    const { notes, entropy } = await readRun(path);
    assert.deepEqual(notes, [`${why("-2")}2 rows before the first with a step are left out.`]);
    assert.equal(entropy!.steps[0], 0);
  });
});

Deno.test("parts of a run that state their own steps meet by them, nested or not", async () => {
  const part = (name: string, key: string, values: readonly number[], calls: number) =>
    STEPS.map((step, i) => ({ _step: 3 * i + calls, [`${name}/step`]: step, [key]: values[i] }));
  const rows = [
    ...part("train", "train/entropy", ENTROPY, 1),
    ...part("eval", "eval/reward", REWARD, 2),
  ].sort((left, right) => Number(left._step) - Number(right._step));
  const nested = STEPS.flatMap((step, i) => [
    { train: { step, entropy: ENTROPY[i] } },
    { eval: { step, reward: REWARD[i] } },
  ]);
  for (const content of [jsonl(rows), jsonl(nested)]) {
    await inFile(content, async (path) => assertWhole(await readRun(path)));
  }
});

Deno.test("parts of a run that name their steps differently meet by them, where none shows that they differ", async () => {
  const rows = (train: string, evaluation: string, more: (step: number) => object = () => ({})) =>
    STEPS.flatMap((step, i) => [
      { [train]: step, "train/entropy": ENTROPY[i], ...more(step) },
      { [evaluation]: step, "eval/accuracy": REWARD[i] },
    ]);
  for (
    const [train, evaluation] of [
      ["train/step", "eval/global_step"],
      ["train/global_step", "eval/step"],
      ["step", "eval/global_step"],
      ["global_step", "eval/step"],
    ] as const
  ) {
    const all = rows(train, evaluation);
    const logged = all.map((row, i) => ({ _step: i, ...row }));
    const cells = [train, "train/entropy", evaluation, "eval/accuracy"];
    const csv = [cells, ...all.map((row) => cells.map((name) => row[name] ?? ""))].join("\n") +
      "\n";
    for (const content of [jsonl(all), jsonl(all.toReversed()), jsonl(logged), csv]) {
      await inFile(content, async (path) => {
        const run = await readRun(path);
        assertWhole(run);
        assert.match(run.notes[0]!, /count alike/);
      });
    }
  }
  const same = rows("train/step", "eval/step", (step) => ({ "train/global_step": step }));
  await inFile(jsonl(same), async (path) => assertWhole(await readRun(path)));
  // Micro-steps: what is stepped by them alone is left out.
  const micro = rows("train/step", "eval/step", (step) => ({ "train/global_step": step / 10 }));
  await inFile(jsonl(micro), async (path) => {
    const run = await readRun(path);
    assert.deepEqual(Array.from(run.score!.steps), [0]);
    assert.equal(run.malformed.count, N - 1);
  });
});

Deno.test("each key of a row goes by the step of its own part: an evaluation may lag behind, or lead", async () => {
  for (
    const [train, evaluation] of [
      ["train/global_step", "eval/global_step"],
      ["train/step", "eval/step"],
      ["step", "eval/step"],
      ["iteration", "val/global_step"],
      ["train/step", "rollout/step"],
    ] as const
  ) {
    const [first, second] = [train, evaluation].map((name) =>
      name.includes("/") ? name.split("/")[0]! : "train"
    );
    const keys = [`${first}/entropy`, `${second}/reward`] as const;
    // The scores of a step come two rows late, or its entropies do.
    const late = Array.from({ length: N + 2 }, (_, i) => ({
      ...(i < N ? { [train]: STEPS[i], [keys[0]]: ENTROPY[i] } : { [train]: 10 * i }),
      ...(i > 1 ? { [evaluation]: STEPS[i - 2], [keys[1]]: REWARD[i - 2] } : {}),
    }));
    const header = [train, keys[0], evaluation, keys[1]];
    const csv = [header, ...late.map((row) => header.map((name) => row[name] ?? ""))].join("\n");
    for (const content of [jsonl(late), JSON.stringify(late), csv + "\n"]) {
      await inFile(content, async (path) => {
        const run = await readRun(path);
        assert.deepEqual(Array.from(run.entropy!.steps), STEPS);
        assert.deepEqual(Array.from(run.score!.steps), STEPS);
        assert.deepEqual(Array.from(run.score!.values), REWARD);
        assert.equal(run.malformed.count, 0);
        assert.match(run.notes.join(" "), /keys are read by \S+, which is 0 where \S+ is 20\./);
      });
    }
  }
});

Deno.test("a row of a JSON list may hold a table of samples; an element with a history is a run", async () => {
  const samples = [{ prompt: "a", reward: 1 }, { prompt: "b", reward: 0 }];
  const own = ({ reward, ...row }: ReturnType<typeof records>[number]) => ({
    ...row,
    data: { reward },
  });
  for (
    const rows of [
      records().map((row) => ({ ...row, samples })),
      records().map((row, i) => i % 4 === 0 ? { ...row, samples } : row),
      records().map((row) => ({ ...row, samples: samples.map((one) => ({ ...one, step: 1 })) })),
      records().flatMap((
        row,
      ) => [row, { samples, ...(row as object), entropy: undefined, reward: undefined }]),
    ]
  ) {
    await inFile(JSON.stringify(rows), async (path) => {
      const runs = await readRuns(path);
      assert.equal(runs.length, 1);
      assertWhole(runs[0]!);
    });
  }
  const nested = records().map((row) => ({ ...own(row), samples }));
  await inFile(JSON.stringify(nested), async (path) => assertWhole(await readRun(path)));
  const runs = ["a", "b"].map((name) => ({
    name,
    tags: ["x"],
    seeds: [{ seed: 1 }],
    reward: 0.9,
    history: records(),
  }));
  await inFile(JSON.stringify(runs), async (path) => {
    const found = await readRuns(path);
    assert.deepEqual(found.map(({ name }) => name), ["a", "b"]);
    for (const run of found) assertWhole(run);
  });
});

Deno.test("percents in texts of JSON are shares", async () => {
  const rows = STEPS.map((step, i) => ({ step, entropy: ENTROPY[i], accuracy: `${30 + i}.5%` }));
  for (const content of [jsonl(rows), JSON.stringify(rows)]) {
    await inFile(content, async (path) => {
      const { score } = await readRun(path);
      assert.deepEqual(Array.from(score!.values), STEPS.map((_, i) => (30.5 + i) / 100));
    });
  }
});

Deno.test("a count of evaluations, or of responses, beside the step is no step", async () => {
  for (
    const [count, first, note] of [
      [
        (i) => i,
        0,
        /eval\/step goes on by 1 where train\/global_step goes on by 10: it counts eval/,
      ],
      [
        (i) => i,
        1,
        /eval\/step goes on by 1 where train\/global_step goes on by 10: it counts eval/,
      ],
      [
        (i) => 2 * i,
        1,
        /eval\/step goes on by 2 where train\/global_step goes on by 10: it counts/,
      ],
      [
        (i) => 5120 * i,
        1,
        /eval\/step is 5120 where train\/global_step is 10: it counts something/,
      ],
    ] satisfies [(i: number) => number, number, RegExp][]
  ) {
    const rows = STEPS.map((step, i) => ({
      "train/global_step": step,
      "train/entropy": ENTROPY[i],
      ...(i < first ? {} : { "eval/step": count(i), "eval/accuracy": REWARD[i] }),
    }));
    const names = ["train/global_step", "train/entropy", "eval/step", "eval/accuracy"] as const;
    const csv = [names, ...rows.map((row) => names.map((name) => row[name] ?? ""))].join("\n");
    for (const content of [jsonl(rows), JSON.stringify(rows), csv + "\n"]) {
      await inFile(content, async (path) => {
        const run = await readRun(path);
        assert.deepEqual(Array.from(run.score!.steps), STEPS.slice(first));
        assert.deepEqual(Array.from(run.score!.values), REWARD.slice(first));
        assert.deepEqual(run.steps, { first: 0, last: 70 });
        assert.match(run.notes.join(" "), note);
        assert.doesNotMatch(run.notes.join(" "), /keys are read by/);
      });
    }
  }
});

Deno.test("that an evaluation goes by its own step is said once", async () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({
    step: 2 * i,
    entropy: 1 / (1 + i),
    "eval/step": i % 2 === 0 ? 2 * i + 7 : 2 * i,
    "eval/accuracy": i / 40,
  }));
  await inFile(jsonl(rows), async (path) => {
    const { notes } = await readRun(path);
    assert.equal(notes.filter((note) => /keys are read by/.test(note)).length, 1);
  });
});

Deno.test("TRL's printed rows: numbers as texts, a progress bar around them, an evaluation of the same epoch", () => {
  const lines = STEPS.map((_, i) =>
    ` ${i}%|#  | ${i}/9 [00:10<03:00]{'loss': '${i}', 'entropy': '${
      ENTROPY[i]
    }', 'reward': np.float64(${REWARD[i]}), 'epoch': '0.${
      i + 1
    }'}\n{'eval_loss': 0.5, 'eval_reward': ${REWARD[i]}, 'epoch': '0.${i + 1}'}\n`
  );
  const config = "{'lr': 1e-06, 'seed': 3}\n";
  return inFile(config + lines.join(""), async (path) => {
    const run = await readRun(path);
    assert.equal(run.format, "trainer-console");
    assertWhole(run, STEPS.map((_, i) => i));
    assert.deepEqual(run.score!.keys, ["eval_reward"]);
    assert.equal(run.keys.has("lr"), false);
    assert.match(run.notes[0]!, /names no step: the rows that it prints were counted/);
  });
});

Deno.test("how many steps a run is to have is read where verl prints it and where trainer_state.json has it", async () => {
  const print = `(TaskRunner pid=1) Total training steps: 500\n${verlConsole(ROWS)}`;
  // The trainer writes its members in the order of the alphabet, or the history first.
  const state = JSON.parse(trainerState(ROWS));
  const first = JSON.stringify({ max_steps: 500, ...state }, null, 2);
  const last = JSON.stringify({ ...state, max_steps: 500 });
  for (const log of [print, first, last]) {
    await inFile(log, async (path) => assert.equal((await readRun(path)).plannedSteps, 500));
  }
  const unknown = JSON.stringify({ ...state, max_steps: -1 });
  for (const log of [verlConsole(ROWS), unknown]) {
    await inFile(log, async (path) => assert.equal((await readRun(path)).plannedSteps, undefined));
  }
});

Deno.test("how many steps a run is to have is read where its rows state it beside the step", async () => {
  const named = (step: number) => ({ current_steps: step, total_steps: 1000 });
  const factory = ROWS.map(({ step, values }) => JSON.stringify({ ...named(step), ...values }));
  const printed = ROWS.map(({ step, values }) =>
    `{'global_step/max_steps': '${step}/1000', ${JSON.stringify(values).slice(1)}`
  );
  for (const log of [msSwift(ROWS), factory.join("\n"), printed.join("\n")]) {
    await inFile(log, async (path) => assert.equal((await readRun(path)).plannedSteps, 1000, log));
  }
});

Deno.test("a printed row goes by the step that is printed right before it", async () => {
  const before = [
    (step: number) => `2026-01-01 10:00:01 INFO:openrlhf.trainer:✨ Global step ${step}: `,
    (step: number) => `(Trainer pid=1) [step ${step}/70] `,
    (step: number) => `iter=${step} - `,
  ];
  for (const write of before) {
    const lines = STEPS.map((step, i) =>
      `${write(step)}{'policy_loss': 0.01, 'entropy_loss': ${ENTROPY[i]}, 'reward': ${
        REWARD[i]
      }, 'response_length': 512.3, 'generation_step_nums': 1}\n`
    );
    await inFile(lines.join(""), async (path) => {
      const run = await readRun(path);
      assertWhole(run);
      assert.equal(run.framework, "openrlhf");
      assert.doesNotMatch(run.notes.join(" "), /names no step/);
    });
  }
});

Deno.test("several runs in one table are several runs, by any of the four names", async () => {
  for (const column of ["run", "run_id", "run_name", "experiment"]) {
    const rows = ["b", "a"].flatMap((name) => records().map((row) => ({ [column]: name, ...row })));
    const csv = [
      `${column},step,entropy,reward`,
      ...["b", "a"].flatMap((name) =>
        STEPS.map((step, i) => `${name},${step},${ENTROPY[i]},${REWARD[i]}`)
      ),
    ];
    for (const content of [jsonl(rows), JSON.stringify(rows), csv.join("\n") + "\n"]) {
      await inFile(content, async (path) => {
        const runs = await readRuns(path);
        assert.deepEqual(runs.map(({ name }) => name), ["b", "a"]);
        for (const run of runs) assertWhole(run);
      });
    }
  }
  // Numbers tell runs apart, too, and an experiment its runs.
  await inFile("experiment,run,step,entropy\nx,1,1,0.5\nx,2,1,0.6\ny,1,1,0.7\n", async (path) => {
    const names = (await readRuns(path)).map(({ name }) => name);
    assert.deepEqual(names, ["x / 1", "x / 2", "y / 1"]);
  });
});

Deno.test("a column that names no run by itself parts the rows where they show that it does", async () => {
  const rows = (column: string, names: readonly unknown[]) =>
    names.flatMap((name) =>
      records().map((row, i) => ({ step: STEPS[i], ...row, [column]: name }))
    );
  for (
    const [column, names, called] of [
      ["Name", ["b", "a"], ["b", "a"]],
      ["seed", [1, 2], ["seed 1", "seed 2"]],
      ["method", ["GRPO", "KL-Cov"], ["GRPO", "KL-Cov"]],
    ] as const
  ) {
    const all = rows(column, names);
    const mixed = all.toSorted((left, right) => Number(left.step) - Number(right.step));
    const csv = (some: readonly Record<string, unknown>[]) =>
      [Object.keys(some[0]!), ...some.map(Object.values)].map((cells) => `${cells}\n`).join("");
    for (const content of [csv(all), csv(mixed), jsonl(all), JSON.stringify(mixed)]) {
      await inFile(content, async (path) => {
        const runs = await readRuns(path);
        assert.deepEqual(runs.map(({ name }) => name), called);
        for (const run of runs) assertWhole(run);
      });
    }
  }
  // One seed is no name; one for each row tells no runs apart, nor do training and evaluation.
  const parts = STEPS.flatMap((step, i) => [
    { name: "train", step, "train/entropy": ENTROPY[i] },
    { name: "eval", step, "eval/reward": REWARD[i] },
  ]);
  const seeds = records().map((row, i) => ({ ...row, seed: 7919 * i }));
  for (const content of [jsonl(rows("seed", [3])), jsonl(seeds), jsonl(parts)]) {
    await inFile(content, async (path) => {
      const run = await readRun(path);
      assertWhole(run);
      assert.equal(run.name, "log");
    });
  }
});

Deno.test("a run of a table without a number is named, not dropped in silence", () =>
  inFile("Step,a - entropy,a - reward,b - entropy\n1,0.5,0.1,\n2,0.4,0.2,\n", async (path) => {
    const runs = await readRuns(path);
    assert.deepEqual(runs.map(({ name }) => name), ["a"]);
    assert.equal(runs[0]!.notes.at(-1), "1 run of the file has no number: b.");
  }));

Deno.test("MLflow's metrics are a run, a folder of them several", () =>
  withFolder(async (folder) => {
    const write = async (id: string) => {
      const run = join(folder, "mlruns/7", id);
      for (const part of ["metrics/actor", "metrics/val-core/a/acc", "params", "tags"]) {
        await Deno.mkdir(join(run, part), { recursive: true });
      }
      const lines = (values: readonly number[]) =>
        values.map((value, i) => `17000000000${i} ${value} ${STEPS[i]}\n`).join("");
      await Deno.writeTextFile(join(run, "meta.yaml"), "artifact_uri: x\n");
      await Deno.writeTextFile(join(run, "metrics/actor/entropy"), lines(ENTROPY));
      await Deno.writeTextFile(join(run, "metrics/val-core/a/acc/mean_at_1"), lines(REWARD));
      await Deno.writeTextFile(join(run, "params/trainer.total_epochs"), "3");
      await Deno.writeTextFile(join(run, "tags/mlflow.runName"), `name of ${id}`);
      return run;
    };
    const one = await readRun(await write("r1"));
    assert.equal(one.format, "mlflow");
    assertWhole(one);
    assert.equal(one.name, "name of r1");
    assert.deepEqual(one.config, { "trainer.total_epochs": "3" });
    await write("r2");
    for (const path of ["mlruns", "mlruns/7"]) {
      const runs = await readRuns(join(folder, path));
      assert.deepEqual(runs.map(({ name }) => name), ["name of r1", "name of r2"]);
      for (const run of runs) assertWhole(run);
    }
    // A copy of the metrics alone is a run still, called as its folder is, or as meta.yaml says.
    await write("r3");
    for (const part of ["meta.yaml", "params", "tags"]) {
      await Deno.remove(join(folder, "mlruns/7/r3", part), { recursive: true });
    }
    await Deno.remove(join(folder, "mlruns/7/r2/tags"), { recursive: true });
    await Deno.writeTextFile(
      join(folder, "mlruns/7/r2/meta.yaml"),
      "run_id: r2\nrun_name: 'b 2'\n",
    );
    const names = (await readRuns(join(folder, "mlruns"))).map(({ name }) => name);
    assert.deepEqual(names, ["name of r1", "b 2", "r3"]);
  }));

Deno.test("what TensorBoard exports of a run, a metric a file, is one run; its keys stand in the files' names", () =>
  withFolder(async (folder) => {
    const scalars: Record<string, readonly number[]> = {
      "actor_entropy": ENTROPY,
      "critic_score_mean": REWARD.map((value) => value + 0.1),
      "val-core_a_acc_mean@1": REWARD,
      "response_length_mean": STEPS.map((step) => 300 + step),
    };
    const paths: string[] = [];
    for (const name of ["x", "y"]) {
      for (const [key, values] of Object.entries(scalars)) {
        const path = join(folder, `run-${name}-tag-${key}.csv`);
        const rows = values.map((value, i) => `${1700000000 + i}.5,${STEPS[i]},${value}\n`);
        await Deno.writeTextFile(path, `Wall time,Step,Value\n${rows.join("")}`);
        paths.push(path);
      }
    }
    const read = (await Promise.all(paths.map((path) => readRuns(path)))).flat();
    const joined = joinExports(read);
    assert.deepEqual(joined.map(({ name }) => name), ["x", "y"]);
    for (const run of joined) {
      assertWhole(run);
      assert.equal(run.framework, "verl");
      assert.equal(run.score!.kind, "validation");
      assert.equal(companionOf(run, "response length")?.key, "response_length_mean");
    }
    assert.throws(() => pairs(read[0]!), /name that of the score beside it\.$/);
    const renamed = join(folder, "entropy.csv");
    await Deno.rename(paths[0]!, renamed);
    await assert.rejects(
      readRuns(renamed),
      (error) =>
        error instanceof ReadError &&
        /is one metric as TensorBoard exports it.*run-NAME-tag-KEY\.csv/.test(error.message),
    );
  }));

Deno.test("a W&B folder holds a run for each of its run folders, links to them left out", () =>
  withFolder(async (folder) => {
    for (const id of ["a", "b"]) {
      const run = join(folder, `wandb/run-20250101_00000${id}-${id}`);
      await Deno.mkdir(join(run, "files"), { recursive: true });
      await Deno.writeFile(join(run, `run-${id}.wandb`), wandbBinary(ROWS, { nested: true }));
      await Deno.writeTextFile(join(run, "files/output.log"), verlConsole(ROWS));
    }
    if (Deno.build.os !== "windows") {
      await Deno.symlink(
        join(folder, "wandb/run-20250101_00000a-a"),
        join(folder, "wandb/latest-run"),
      );
    }
    const runs = await readRuns(join(folder, "wandb"));
    assert.deepEqual(runs.map(({ name }) => name), ["run-a.wandb", "run-b.wandb"]);
    for (const run of runs) assertWhole(run);
    assertWhole(await readRun(join(folder, "wandb/run-20250101_00000b-b")));
    // What a run printed has the same name in every run's folder: it is called as the folder is.
    for (const id of ["a", "b"]) {
      const run = join(folder, `wandb/run-20250101_00000${id}-${id}`);
      await Deno.remove(join(run, `run-${id}.wandb`));
      await Deno.writeTextFile(join(run, "files/config.yaml"), "wandb_version: 1\n");
    }
    const printed = await readRuns(join(folder, "wandb"));
    assert.deepEqual(printed.map(({ name }) => name), [
      "run-20250101_00000a-a",
      "run-20250101_00000b-b",
    ]);
  }));

Deno.test("of checkpoints the last one's history is read, and the folder's own before it", () =>
  withFolder(async (folder) => {
    const values = (i: number) => ({ entropy: ENTROPY[i]!, reward: REWARD[i]! });
    const rows = STEPS.map((step, i) => ({ step, values: values(i) }));
    for (const step of [20, 100]) {
      await Deno.mkdir(join(folder, `checkpoint-${step}`));
      const path = join(folder, `checkpoint-${step}/trainer_state.json`);
      await Deno.writeTextFile(path, trainerState(step === 100 ? rows : rows.slice(0, 3)));
    }
    assertWhole(await readRun(folder));
    assertWhole(await readRun(join(folder, "checkpoint-100")));
    assert.equal((await readRun(join(folder, "checkpoint-20"))).entropy!.values.length, 3);
    await Deno.writeTextFile(join(folder, "trainer_state.json"), trainerState(rows.slice(0, 5)));
    assert.equal((await readRun(folder)).entropy!.values.length, 5);
  }));

Deno.test("a folder of folders of event files is a run for each", () =>
  withFolder(async (folder) => {
    for (const name of ["one", "two"]) {
      await Deno.mkdir(join(folder, name));
      const path = join(folder, name, "events.out.tfevents.1700000001.a");
      await Deno.writeFile(path, tensorBoard(ROWS, true));
    }
    assert.deepEqual((await readRuns(folder)).map(({ name }) => name), ["one", "two"]);
  }));

Deno.test("what is no log is refused with what it is", async () => {
  const cases: [string, RegExp][] = [
    [
      '{\n "lr": 1e-6,\n "name": "x"\n}\n',
      /is a JSON object with the members lr, name, expected a list "log_history"/,
    ],
    ["{\n}\n", /is a JSON object without members, expected a list/],
    ["[1, 2, 3]\n", /is a JSON list whose elements are no objects, expected a training log\.$/],
    ["[]\n", /is an empty JSON list, expected a training log\.$/],
    ['[{"step": 1, "entropy": 0.5}', /is a JSON list that is not whole\.$/],
    ["step,entropy,entropy\n1,2,3\n", /is a table with two columns named "entropy", expected/],
    ["1,0.5,0.1\n2,0.4,0.2\n", /is a table of numbers without a header of names, expected/],
    [
      "Nothing to see.\n",
      /is text without a single line "step:N .* and neither JSON nor a table\.$/,
    ],
  ];
  for (const [content, expected] of cases) {
    await inFile(content, (path) =>
      assert.rejects(() => readRun(path), (error) => {
        assert(error instanceof ReadError);
        assert.match(error.message, expected);
        return true;
      }));
  }
});

Deno.test("the settings of SkyRL that a command among the rows names are its configuration", () =>
  inFile(
    "2026-09-01 INFO python -m train trainer.algorithm.policy_loss_type=clip_cov " +
      `+trainer.algorithm.kl_cov.ppo_kl_coef='0.1' x=1 --lr=2\n${jsonl(records())}` +
      "trainer.algorithm. is no setting\n",
    async (path) => {
      const run = await readRun(path);
      assert.deepEqual(run.config, {
        "trainer.algorithm.policy_loss_type": "clip_cov",
        "trainer.algorithm.kl_cov.ppo_kl_coef": "0.1",
      });
      assert.equal(run.malformed.count, 1);
      assert.equal(pairs(run).length, N);
    },
  ));
