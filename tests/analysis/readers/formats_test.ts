/** What is particular to one format each. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ReadError } from "../../../analysis/errors.ts";
import { joinExports } from "../../../analysis/readers/join.ts";
import { parsePythonLiteral } from "../../../analysis/readers/python_literal.ts";
import { readRun, readRuns } from "../../../analysis/readers/read_run.ts";
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
      ["table.csv", "step,entropy\n", /\(read as csv\) holds no metrics\.$/],
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
  for (const broken of ["{'a': ", "{'a' 1}", "'x", "f(1)", "[1] 2", "[".repeat(1000)]) {
    assert.equal(parsePythonLiteral(broken), undefined);
  }
});
