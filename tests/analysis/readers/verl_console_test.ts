/** The traps of console logs, each on a few lines. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ReadError } from "../../../formats/errors.ts";
import { readRun } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { withFolder } from "../../support.ts";

const SCORE = "val-core/openai/gsm8k/acc/mean@1";

async function read(text: string, check: (run: Run) => void): Promise<void> {
  await withFolder(async (folder) => {
    const path = join(folder, "output.txt");
    await Deno.writeTextFile(path, text);
    check(await readRun(path));
  });
}

function points({ steps, values }: { steps: Float64Array; values: Float64Array }) {
  return Array.from(steps, (step, i) => [step, values[i]]);
}

Deno.test("a validation line and a training line for one step are one step", () =>
  read(
    `step:0 - ${SCORE}:0.1\nstep:1 - actor/entropy:0.9\nstep:1 - ${SCORE}:0.2\n`,
    (run) => {
      assert.deepEqual(points(run.entropy!), [[1, 0.9]]);
      assert.deepEqual(points(run.score!), [[0, 0.1], [1, 0.2]]);
    },
  ));

Deno.test("of a step that a resumed run repeats the last value holds", () =>
  read(
    "step:1 - actor/entropy:0.9\nstep:2 - actor/entropy:0.8\nstep:3 - actor/entropy:0.7\n" +
      "step:2 - actor/entropy:0.85\nstep:3 - actor/entropy:0.75\nstep:4 - actor/entropy:0.6\n",
    (run) => assert.deepEqual(points(run.entropy!), [[1, 0.9], [2, 0.85], [3, 0.75], [4, 0.6]]),
  ));

Deno.test("a run resumed at its last step repeats that step too", () =>
  read(
    "step:1 - actor/entropy:0.9\nstep:2 - actor/entropy:0.8\nstep:2 - actor/entropy:0.7\n",
    (run) => assert.deepEqual(points(run.entropy!), [[1, 0.9], [2, 0.7]]),
  ));

Deno.test("colours as escape bytes or as text, Ray's prefixes and progress bars are no part of the keys", () =>
  read(
    "\x1b[36m(TaskRunner pid=12, ip=10.0.0.1)\x1b[0m step:1 - actor/entropy:0.9\r\n" +
      "\\u001b[36m(TaskRunner pid=12)\\u001b[0m step:2 - actor/entropy:0.8\n" +
      "Training Progress:   2%|▏ | 2/99 [00:10<1:00]\rstep:3 - actor/entropy:0.7\n" +
      "Training Progress:   2%|▏ | 2/99 [00:10<1:00]\x1b[36m(TaskRunner pid=12)\x1b[0m step:4 - actor/entropy:0.6 - training/global_step:4\n",
    (run) => {
      assert.deepEqual(points(run.entropy!), [[1, 0.9], [2, 0.8], [3, 0.7], [4, 0.6]]);
      assert.deepEqual(Array.from(run.keys.keys()), ["actor/entropy", "training/global_step"]);
      assert.equal(run.malformed.count, 0);
    },
  ));

Deno.test("a console log wrapped in JSON by a container runtime is read", () =>
  read(
    ["step:1 - actor/entropy:0.9", "step:2 - actor/entropy:0.8"].map((line) =>
      JSON.stringify({ log: `\x1b[36m(TaskRunner pid=1)\x1b[0m ${line}\n`, stream: "stdout" }) +
      "\n"
    ).join(""),
    (run) => {
      assert.deepEqual(points(run.entropy!), [[1, 0.9], [2, 0.8]]);
      assert.equal(run.malformed.count, 0);
    },
  ));

Deno.test("numpy and torch wrappers, exponents, nan and inf", () =>
  read(
    "step:1 - actor/entropy:np.float64(0.9) - a:np.int32(2) - b:tensor(0.5, device='cuda:0') - actor/grad_norm:1e-05\n" +
      "step:2 - actor/entropy:nan - a:inf - actor/grad_norm:-inf\n",
    (run) => {
      assert.deepEqual(points(run.entropy!), [[1, 0.9]]);
      assert.equal(run.keys.get("a"), 1);
      assert.equal(run.keys.get("b"), 1);
      assert.equal(run.keys.get("actor/grad_norm"), 1);
      assert.equal(run.malformed.count, 0);
    },
  ));

Deno.test("keys with / @ - and : keep them", () =>
  read(
    "step:1 - val-core/org/set-1:v2/acc/mean@16:0.25 - actor/entropy:0.5\n",
    (run) => assert.deepEqual(run.score!.keys, ["val-core/org/set-1:v2/acc/mean@16"]),
  ));

Deno.test("a line torn by another process loses the broken field only, and says so", () =>
  read(
    "step:1 - actor/entropy:0.9 - actor/pg(WorkerDict pid=3) INFO loading - /loss:0.1 - actor/grad_norm:0.5\n" +
      "step:2 - actor/entropy:0.8 - actor/pg_lo\nss:0.3\nstep:3 - actor/entropy:0.7\n",
    (run) => {
      assert.deepEqual(points(run.entropy!), [[1, 0.9], [2, 0.8], [3, 0.7]]);
      assert.equal(run.malformed.count, 3);
      assert.match(
        run.malformed.examples[0]!,
        /^line 1: "actor\/pg\(WorkerDict pid=3\) INFO loading"$/,
      );
      assert(!run.keys.has("/loss"));
    },
  ));

Deno.test("lines whose newline was lost keep to their own steps; the value before the mark is counted", () =>
  read(
    `step:10 - actor/entropy:0.9 - ${SCORE}:0.5722step:11 - actor/entropy:0.8 - ${SCORE}:0.6\n` +
      "step:12 - actor/entropy:0.7 - mode:syncstep:13 - actor/entropy:0.6 - training/global_step:13 - a:1\n",
    (run) => {
      assert.deepEqual(points(run.entropy!), [[10, 0.9], [11, 0.8], [12, 0.7], [13, 0.6]]);
      assert.deepEqual(points(run.score!), [[11, 0.6]]);
      assert.equal(run.malformed.count, 2);
      assert.match(run.malformed.examples[0]!, /^line 1: ".*:0\.5722step:11"$/);
    },
  ));

Deno.test("a lone carriage return ends a line, as a byte or as the text of a JSON log", () =>
  read(
    `step:1 - ${SCORE}:0.1 - actor/entropy:0.9\rstep:2 - actor/entropy:0.8\rTraining: 2%\n` +
      "step:3 - actor/entropy:0.7\\nstep:4 - actor/entropy:0.6\\n\n",
    (run) => {
      assert.deepEqual(points(run.entropy!), [[1, 0.9], [2, 0.8], [3, 0.7], [4, 0.6]]);
      assert.deepEqual(points(run.score!), [[1, 0.1]]);
      assert.equal(run.malformed.count, 0);
    },
  ));

Deno.test("two fields printed without a separator are one malformed field, not a key", () =>
  read(
    "step:1 - actor/entropy:0.9 - a:0.5actor/pg_loss:0.1 - b:nancritic:3 - c:-1d/e:2 - f:.5g/h:1\n",
    (run) => {
      assert.deepEqual(Array.from(run.keys.keys()), ["actor/entropy"]);
      assert.equal(run.malformed.count, 4);
    },
  ));

Deno.test("a value that the end of the file may have cut is not used", () =>
  read("step:1 - actor/entropy:0.9\nstep:2 - actor/entropy:0.8", (run) => {
    assert.deepEqual(points(run.entropy!), [[1, 0.9]]);
    assert.deepEqual(run.malformed.examples, ['line 2: "actor/entropy:0.8"']);
  }));

Deno.test("settings printed among the metrics are text, not damage", () =>
  read(
    "step:1 - actor/entropy:0.9 - mode:sync - flag:True\n",
    (run) => assert.equal(run.malformed.count, 0),
  ));

Deno.test("old and new names of the keys", async () => {
  for (const key of ["actor/entropy", "actor/entropy_loss", "train_entropy/all"]) {
    await read(`step:1 - ${key}:0.5\n`, (run) => assert.equal(run.entropy!.key, key));
  }
  await read("step:1 - actor/entropy_loss:0.4 - actor/entropy:0.5 - eval_entropy:0.1\n", (run) => {
    assert.equal(run.entropy!.key, "actor/entropy");
    assert.equal(run.entropy!.measured, "before the update");
  });
  for (const key of ["val/test_score/openai/gsm8k", "test_score/math", SCORE, "val/score-all"]) {
    await read(`step:1 - ${key}:0.5 - critic/score/mean:0.7\n`, (run) => {
      assert.deepEqual(run.score!.keys, [key]);
      assert.equal(run.score!.kind, "validation");
    });
  }
  await read(
    "step:1 - critic/score/mean:0.7\n",
    (run) => assert.equal(run.score!.kind, "training"),
  );
});

Deno.test("of one benchmark accuracy comes before reward, mean before majority and best", () =>
  read(
    "step:1 - val-core/aime/acc/best@16/mean:0.9 - val-core/aime/acc/mean@16:0.2 - val-core/aime/acc/maj@16/mean:0.4 - val-core/code/reward/mean@4:0.6\n",
    (run) => {
      assert.deepEqual(run.score!.keys, [
        "val-core/aime/acc/mean@16",
        "val-core/code/reward/mean@4",
      ]);
      assert.equal(run.score!.values[0], 0.4);
    },
  ));

Deno.test("text without metrics is told from a log", () =>
  withFolder(async (folder) => {
    const path = join(folder, "notes.txt");
    await Deno.writeTextFile(path, "Training looked fine until step:12, then it collapsed.\n");
    await assert.rejects(() => readRun(path), (error) =>
      error instanceof ReadError &&
      /is text without a single line "step:N - key:value/.test(error.message));
  }));
