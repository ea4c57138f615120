/** The run log: whole steps whatever happens, one writer, readable by the analysis. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { readRun } from "../../../../analysis/readers/read_run.ts";
import { BusyError } from "../../../../experiments/lab/errors.ts";
import { openLogFile, RunLogError } from "../../../../experiments/lab/run/log_file.ts";
import { FIRST_STEP } from "../../../../experiments/lab/run/log_lines.ts";
import type { RunDescription } from "../../../../experiments/lab/run/run_identity.ts";
import {
  beginRunLog,
  expectNoLog,
  resumeRunLog,
  type RunLog,
} from "../../../../experiments/lab/run/run_log.ts";
import { shown } from "../../../../experiments/lab/schema.ts";
import type { StepData } from "../../../../experiments/lab/step_data.ts";
import { ROOT, withFolder } from "../../../support.ts";

const RUN: RunDescription = {
  configuration: { algorithm: "grpo", model: "qwen2.5-7b", clip: [0.2, 0.28] },
  seed: 1,
  base: { model: "qwen2.5-7b", sha256: "ab".repeat(32) },
  code_version: "0123abc",
  adapter: { name: "llvmpipe", kind: "software" },
};

/** What step `step` logs; a validation every fourth step. */
function dataOf(step: number): StepData {
  return {
    "actor/entropy": 1 / step,
    "critic/score/mean": step / 1000,
    "response_length/mean": 10 + step,
    "response_length/clip_ratio": 0,
    "rollout/no_signal_groups": 0.25,
    ...(step % 4 === 1 ? { "val-core/math-500/acc/mean@1": step / 100 } : {}),
  };
}

/** What of a run's log is asked for: a new one, or one that goes on with a step. */
interface Opened {
  run: RunDescription;
  resumeAt?: number;
  lastStep?: number;
}

/** Opens a log as a run does. */
async function openRunLog(path: string, { run, resumeAt, lastStep }: Opened): Promise<RunLog> {
  const file = await openLogFile(path, resumeAt === undefined);
  try {
    if (resumeAt === undefined) return await beginRunLog(file, run);
    const last = lastStep === undefined ? {} : { lastStep };
    return await resumeRunLog(file, run, { next: resumeAt, ...last });
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

/** Writes steps from `from` to `to`, both included, as one process of a run would. */
async function writeSteps(path: string, from: number, to: number): Promise<void> {
  using log = await openRunLog(path, { run: RUN, ...(from === 1 ? {} : { resumeAt: from }) });
  for (let step = from; step <= to; step++) await log.write(step, dataOf(step));
}

/** The lines of a log as JSON; throws if one is not whole. */
async function linesOf(path: string): Promise<{ run?: unknown; step?: number; data?: unknown }[]> {
  const text = await Deno.readTextFile(path);
  assert(text.endsWith("\n"));
  return text.slice(0, -1).split("\n").map((line) => JSON.parse(line));
}

/** A log has the run's description, then each step once. */
async function assertWhole(path: string, lastStep: number): Promise<void> {
  const [first, ...steps] = await linesOf(path);
  assert.deepEqual(first, { run: JSON.parse(JSON.stringify(RUN)) });
  const expected = Array.from(
    { length: lastStep },
    (_, i) => ({ step: i + 1, data: dataOf(i + 1) }),
  );
  assert.deepEqual(steps, expected);
}

/** What can be done without losing anything. */
const SAFE = "another --seed or --out begins another run";

function rejects(promise: Promise<unknown>, message: string | RegExp): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert(error instanceof RunLogError || error instanceof BusyError, String(error));
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

Deno.test("a log is read by the analysis as a run of the lab", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "logs", "qwen2.5-7b.math.grpo.none.seed1.jsonl");
    using log = await openRunLog(path, { run: RUN });
    for (let step = FIRST_STEP; step <= 13; step++) {
      assert.equal(log.nextStep, step);
      const entropy = step === 3 ? { "actor/entropy": NaN, "actor/grad_norm": -Infinity } : {};
      await log.write(step, { ...dataOf(step), ...entropy });
    }
    assert.equal(await log.finish(), path);
    assert.match(await Deno.readTextFile(path), /"actor\/entropy":null.*"actor\/grad_norm":null/);

    const run = await readRun(path);
    assert.equal(run.format, "run-log");
    assert.equal(run.framework, "entropy-lab");
    assert.deepEqual(run.config, JSON.parse(JSON.stringify(RUN)));
    assert.deepEqual(run.steps, { first: 1, last: 13 });
    assert.equal(run.malformed.count, 0);
    assert.equal(run.entropy?.key, "actor/entropy");
    const finite = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
    assert.deepEqual([...run.entropy.steps], finite);
    assert.deepEqual([...run.entropy.values], finite.map((step) => 1 / step));
    assert.deepEqual(run.score?.keys, ["val-core/math-500/acc/mean@1"]);
    assert.equal(run.score.unit, "fraction");
    assert.deepEqual([...run.score.steps], [1, 5, 9, 13]);
  });
});

Deno.test("a run resumed at any checkpoint, from a log cut at any byte, has each step once", async () => {
  await withFolder(async (folder) => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 14 }),
        fc.integer({ min: 0, max: 300 }),
        fc.boolean(),
        async (written, resumeAt, cutOff, withGarbage) => {
          const path = join(folder, `${number++}.jsonl`);
          await writeSteps(path, 1, written);
          const { size } = await Deno.stat(path);
          await Deno.truncate(path, Math.max(0, size - cutOff));
          const left = (await Deno.readTextFile(path)).split("\n").slice(0, -1);
          // In the first line it would look like a file that is no log.
          const garbage = left.length > 0 ? "\0\0{\x80" : "\0\0";
          if (withGarbage) await Deno.writeTextFile(path, garbage, { append: true });
          const whole = Math.max(0, left.length - 1);
          if (whole < resumeAt - 1) {
            await rejects(
              openRunLog(path, { run: RUN, resumeAt }),
              `${path} has whole steps up to ${whole}, expected up to ${
                resumeAt - 1
              } to resume at ` +
                `${resumeAt}.`,
            );
            return;
          }
          using log = await openRunLog(path, { run: RUN, resumeAt });
          await assertWhole(path, resumeAt - 1);
          for (let step = resumeAt; step <= 15; step++) await log.write(step, dataOf(step));
          await assertWhole(path, 15);
        },
      ),
      { numRuns: 150, seed: 1 },
    );
  });
});

Deno.test("a log that ends too early is left as it is", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    await writeSteps(path, 1, 5);
    await Deno.writeTextFile(path, '{"step":6,"da', { append: true });
    const before = await Deno.readFile(path);
    await rejects(
      openRunLog(path, { run: RUN, resumeAt: 7 }),
      /has whole steps up to 5, expected up/,
    );
    assert.deepEqual(await Deno.readFile(path), before);
    await rejects(
      openRunLog(path + "x", { run: RUN, resumeAt: 7 }),
      `${path}x does not exist, expected the log of the run to resume; ${SAFE}.`,
    );
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["run.jsonl"]);
  });
});

Deno.test("a new run does not touch a log that is there; resuming at the first step drops every step", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    await writeSteps(path, 1, 3);
    const message = `${path} is there already, expected none to begin a new log; ${SAFE}.`;
    await rejects(openRunLog(path, { run: RUN }), message);
    await assertWhole(path, 3);
    {
      // Who reads a checkpoint to know where to go on is the only writer then, and changes nothing.
      using file = await openLogFile(path, false);
      assert.throws(() => expectNoLog(file), { name: "RunLogError", message });
      await rejects(openRunLog(path, { run: RUN, resumeAt: 3 }), /is being written by another/);
    }
    await assertWhole(path, 3);
    (await openRunLog(path, { run: RUN, resumeAt: 3 }))[Symbol.dispose]();
    await assertWhole(path, 2);
    using log = await openRunLog(path, { run: RUN, resumeAt: FIRST_STEP });
    await assertWhole(path, 0);
    await log.write(1, dataOf(1));
    await assertWhole(path, 1);
  });
});

Deno.test("a log has its first line only once all else that begins a run is there", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    {
      using file = await openLogFile(path, true);
      expectNoLog(file);
      await rejects(openRunLog(path, { run: RUN }), /is being written by another/);
      assert.equal((await Deno.stat(path)).size, 0);
    }
    // An empty log is one whose process was killed right then.
    assert.equal((await Deno.stat(path)).size, 0);
    using log = await openRunLog(path, { run: RUN });
    await log.write(1, dataOf(1));
    await assertWhole(path, 1);
  });
});

Deno.test("a file that is no log of a run is left as it is", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    const message = `${path} does not begin with a run's settings, expected the log of the run ` +
      `to resume; it is left as it is, ${SAFE}.`;
    for (
      const text of [
        "Dear diary,",
        "Dear diary,\n",
        '{"step":1,"data":{}}\n',
        '{"run":null}\n{"step":1,"data":{}}\n',
        '{"run":5}\n',
        "\0\0\n",
      ]
    ) {
      await Deno.writeTextFile(path, text);
      await rejects(openRunLog(path, { run: RUN, resumeAt: FIRST_STEP }), message);
      assert.equal(await Deno.readTextFile(path), text);
    }
    for (const text of ["", '{"run":', '{"run":{"configuration":{"algo', '{"r\0\0\0\0\0\0']) {
      await Deno.writeTextFile(path, text);
      (await openRunLog(path, { run: RUN, resumeAt: FIRST_STEP }))[Symbol.dispose]();
      await assertWhole(path, 0);
    }
  });
});

Deno.test("another configuration or seed is not mixed into a log; another code or adapter is noted", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    await writeSteps(path, 1, 4);
    const reopen = (change: Partial<RunDescription>) =>
      openRunLog(path, { run: { ...RUN, ...change }, resumeAt: 4 });
    const expected = "expected the same to resume it, not";
    await rejects(reopen({ seed: 2 }), `${path} was begun with seed 1, ${expected} 2.`);
    await rejects(
      reopen({ configuration: { ...RUN.configuration, clip: [0.2, 0.2] } }),
      `${path} was begun with clip [0.2,0.28], ${expected} [0.2,0.2].`,
    );
    await rejects(
      reopen({ configuration: { ...RUN.configuration, steps: 7 } }),
      `${path} was begun with steps missing, ${expected} 7.`,
    );
    const [before, now] = [RUN.base.sha256, "cd".repeat(32)];
    await rejects(
      reopen({ base: { ...RUN.base, sha256: now } }),
      `${path} was begun with base model of SHA-256 "${before}", ${expected} "${now}".`,
    );
    await rejects(
      reopen({ base: { ...RUN.base, model: "qwen2.5-3b" } }),
      `${path} was begun with base model "qwen2.5-7b", ${expected} "qwen2.5-3b".`,
    );
    await assertWhole(path, 4);

    const moved: RunDescription = { ...RUN, adapter: { name: "H100", kind: "hardware" } };
    for (let i = 0; i < 2; i++) {
      using log = await openRunLog(path, { run: moved, resumeAt: 4 });
      await log.write(4, dataOf(4));
      const lines = await linesOf(path);
      assert.deepEqual(lines.map(({ run, step }) => step ?? (run as RunDescription).adapter.name), [
        "llvmpipe",
        1,
        2,
        3,
        "H100",
        4,
      ]);
    }
    assert.deepEqual((await readRun(path)).config, JSON.parse(JSON.stringify(moved)));
    // A run that only looks whether there is more to do leaves no note.
    const text = await Deno.readTextFile(path);
    {
      using log = await openRunLog(path, { run: { ...RUN, code_version: "456" }, resumeAt: 5 });
      await log.finish();
    }
    assert.equal(await Deno.readTextFile(path), text);
  });
});

Deno.test("a line that no run wrote is named, and never cut off or gone on after", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    await writeSteps(path, 1, 5);
    const whole = await Deno.readTextFile(path);
    const lines = whole.split("\n").slice(0, -1);
    const step = (step: number, more = {}) => JSON.stringify({ step, data: {}, ...more });
    const refuses = async (text: string, message: string, resumeAt = 4, lastStep = 9) => {
      await Deno.writeTextFile(path, text);
      await rejects(
        openRunLog(path, { run: RUN, resumeAt, lastStep }),
        `${path} holds a ${message}`,
      );
      assert.equal(await Deno.readTextFile(path), text);
    };
    const note = (line: number, shown: string, expected: string) =>
      `line ${line} that no run wrote, ${shown}, expected ${expected}; the log is left as it is.`;
    for (const end of ["\n", ""]) {
      await refuses(`${whole}my note${end}`, note(7, '"my note"', "step 6"));
      await refuses(`${whole}# a\n# b${end}`, note(7, '"# a"', "step 6"));
    }
    for (
      const line of [
        "",
        "null",
        "[]",
        '{"note":"mine"}',
        '{"run":null}',
        JSON.stringify({ run: RUN, note: "mine" }),
        '{"step":6}',
        '{"step":6,"data":[]}',
        step(6, { note: "mine" }),
        step(5),
        step(7),
      ]
    ) {
      await refuses(`${whole}${line}\n`, note(7, shown(line), "step 6"));
      // Before the step to go on with, too.
      const [first, ...rest] = lines;
      await refuses(
        [first, line, ...rest, ""].join("\n"),
        note(2, shown(line), "step 1"),
      );
    }
    // A run that is complete is not cut at all.
    for (const [line, end] of [[step(6), "\n"], ['{"step":6,"da', ""], ["\0\0", ""]] as const) {
      await refuses(`${whole}${line}${end}`, note(7, shown(line), "no more"), 6, 5);
    }
    await refuses(`${whole}${step(6)}\n`, note(7, shown(step(6)), "no more"), 4, 5);

    await Deno.writeTextFile(path, `${whole}${step(6)}\n{"step":7,"d`);
    (await openRunLog(path, { run: RUN, resumeAt: 6, lastStep: 9 }))[Symbol.dispose]();
    await assertWhole(path, 5);
    const { mtime } = await Deno.stat(path);
    (await openRunLog(path, { run: RUN, resumeAt: 6, lastStep: 5 }))[Symbol.dispose]();
    assert.deepEqual((await Deno.stat(path)).mtime, mtime);
    await assertWhole(path, 5);
  });
});

Deno.test("all settings that a log names are compared, not only the last or those that are kept", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    await writeSteps(path, 1, 4);
    const lines = (await Deno.readTextFile(path)).split("\n");
    const [own, other] = [
      JSON.stringify({ run: RUN }),
      JSON.stringify({ run: { ...RUN, seed: 2 } }),
    ];
    for (
      const [at, removed, added] of [[0, 1, [other, own]], [2, 0, [other, own]], [5, 0, [
        other,
      ]]] as const
    ) {
      const text = lines.toSpliced(at, removed, ...added).join("\n");
      await Deno.writeTextFile(path, text);
      const where = at === 0 ? path : `${path}, whose line ${at + 1} is of another run,`;
      await rejects(
        openRunLog(path, { run: RUN, resumeAt: 3 }),
        `${where} was begun with seed 2, expected the same to resume it, not 1.`,
      );
      assert.equal(await Deno.readTextFile(path), text);
    }
  });
});

Deno.test("steps are written in order, each once, and none after the end", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    using log = await openRunLog(path, { run: RUN });
    const message = (step: number) => `${path} goes on with step 2, expected no step ${step}.`;
    await log.write(1, dataOf(1));
    await rejects(log.write(1, dataOf(1)), message(1));
    await rejects(log.write(3, dataOf(3)), message(3));
    await assertWhole(path, 1);
    await log.finish();
    await rejects(log.write(2, dataOf(2)), `${path} is closed, step 2 cannot be written.`);
    await rejects(log.finish(), `${path} is closed and cannot be finished.`);
  });
});

Deno.test("a large log is compressed at its end, and then neither begun nor resumed", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    {
      using log = await openRunLog(path, { run: RUN });
      const many = Object.fromEntries(
        Array.from({ length: 3000 }, (_, i) => [`covariance/difficulty/${i}`, i]),
      );
      for (let step = 1; step <= 20; step++) await log.write(step, { ...many, ...dataOf(step) });
      assert.equal(await log.finish(), `${path}.gz`);
    }
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["run.jsonl.gz"]);
    // A reader takes what is there of a stream that was cut off; this does not.
    const text = gunzipSync(await Deno.readFile(`${path}.gz`)).toString();
    assert.equal(text.split("\n").length, 22);
    const run = await readRun(`${path}.gz`);
    assert.equal(run.format, "run-log");
    assert.deepEqual([...run.entropy!.steps], Array.from({ length: 20 }, (_, i) => i + 1));
    assert.equal(run.keys.size, 3000 + 6);
    assert((await Deno.stat(`${path}.gz`)).size < 500_000);
    for (const resumeAt of [{}, { resumeAt: 1 }, { resumeAt: 21 }]) {
      const message = `${path} is finished: ${path}.gz is there; ${SAFE}.`;
      await rejects(openRunLog(path, { run: RUN, ...resumeAt }), message);
    }
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["run.jsonl.gz"]);
  });
});

Deno.test("compressing a log replaces nothing but what was left of compressing it", async () => {
  if (Deno.build.os === "windows") return;
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    const [diary, temporary] = [join(folder, "diary"), `${path}.gz.writing`];
    await Deno.writeTextFile(diary, "Dear diary,");
    const many = Object.fromEntries(
      Array.from({ length: 60_000 }, (_, i) => [`covariance/difficulty/${i}`, i]),
    );
    {
      using log = await openRunLog(path, { run: RUN });
      await log.write(1, { ...many, ...dataOf(1) });
      await Deno.symlink(diary, temporary);
      await rejects(log.finish(), /run\.jsonl\.gz cannot be written: File exists/);
    }
    assert.equal(await Deno.readTextFile(diary), "Dear diary,");
    assert.equal((await linesOf(path)).length, 2);
    await Deno.remove(temporary);
    {
      using log = await openRunLog(path, { run: RUN, resumeAt: 2 });
      await Deno.writeTextFile(`${path}.gz`, "came meanwhile");
      await rejects(log.finish(), `${path} is finished: ${path}.gz is there; ${SAFE}.`);
    }
    assert.equal(await Deno.readTextFile(`${path}.gz`), "came meanwhile");
    assert.equal((await linesOf(path)).length, 2);
    await Deno.remove(`${path}.gz`);
    await Deno.writeTextFile(temporary, "what a killed process left");
    using log = await openRunLog(path, { run: RUN, resumeAt: 2 });
    assert.equal(await log.finish(), `${path}.gz`);
    assert.deepEqual(
      Array.from(Deno.readDirSync(folder), ({ name }) => name).sort(),
      ["diary", "run.jsonl.gz"],
    );
  });
});

/** The text of a program that begins the log of a run, as its arguments name them. */
const BEGIN_LOG = `
  import { openLogFile } from ${moduleText("log_file.ts")};
  import { beginRunLog } from ${moduleText("run_log.ts")};
  const log = await beginRunLog(await openLogFile(Deno.args[0], true), JSON.parse(Deno.args[1]));
`;

function moduleText(name: string): string {
  return JSON.stringify(pathToFileURL(join(ROOT, "experiments/lab/run", name)).href);
}

/** A process that opens a log and writes steps until it is killed. */
async function spawnWriter(folder: string, path: string): Promise<Deno.ChildProcess> {
  const script = join(folder, "write.ts");
  await Deno.writeTextFile(
    script,
    `${BEGIN_LOG}
    for (let step = 1;; step++) {
      await log.write(step, { "actor/entropy": step });
      if (step === 3) console.log("written");
    }`,
  );
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-check", "-A", "--config", join(ROOT, "deno.json")],
      ...[script, path, JSON.stringify(RUN)],
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = process.stdout.getReader();
  await output.read();
  await output.cancel();
  return process;
}

Deno.test("two processes cannot write one log, and one that was killed does not stand in the way", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    const process = await spawnWriter(folder, path);
    try {
      const message = `${path} is being written by another process.`;
      await rejects(openRunLog(path, { run: RUN, resumeAt: 3 }), message);
      await rejects(openRunLog(path, { run: RUN }), message);
    } finally {
      process.kill("SIGKILL");
      await process.status;
    }
    using log = await openRunLog(path, { run: RUN, resumeAt: 3 });
    await log.write(3, dataOf(3));
    const steps = (await linesOf(path)).map(({ step }) => step);
    assert.deepEqual(steps, [undefined, 1, 2, 3]);
    await rejects(
      openRunLog(path, { run: RUN, resumeAt: 3 }),
      /is being written by another process\.$/,
    );
  });
});

Deno.test("a full disk is told in one sentence, and the log ends with its last whole step", async () => {
  if (Deno.build.os === "windows") return;
  await withFolder(async (folder) => {
    const path = join(folder, "run.jsonl");
    const script = join(folder, "write.ts");
    await Deno.writeTextFile(
      script,
      `${BEGIN_LOG}
      try {
        for (let step = 1;; step++) await log.write(step, { "actor/entropy": step / 7 });
      } catch (error) {
        console.log(error.name + ": " + error.message);
        console.log(log.nextStep);
      }`,
    );
    // A limit on the size of files, in KiB, stands for the end of the disk.
    const { stdout } = await new Deno.Command("bash", {
      args: [
        ...[
          "-c",
          `trap "" XFSZ; ulimit -f 4; exec "$@"`,
          "bash",
          Deno.execPath(),
          "run",
          "--quiet",
        ],
        ...["--no-check", "--no-lock", "-A", "--config", join(ROOT, "deno.json")],
        ...[script, path, JSON.stringify(RUN)],
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const [message, nextStep] = new TextDecoder().decode(stdout).trim().split("\n");
    assert.match(message!, /^RunLogError: .*run\.jsonl cannot be written: File too large.*\.$/);
    const lines = await linesOf(path);
    assert.equal(lines.at(-1)!.step, Number(nextStep) - 1);
    assert(Number(nextStep) > 10);
    using log = await openRunLog(path, { run: RUN, resumeAt: Number(nextStep) });
    await log.write(log.nextStep, dataOf(log.nextStep));
  });
});

Deno.test("a place that cannot be written to is told in one sentence", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    await rejects(
      openRunLog(join(folder, "file/run.jsonl"), { run: RUN }),
      /file\/run\.jsonl cannot be written: .*\.$/,
    );
    await Deno.mkdir(join(folder, "run.jsonl"));
    await rejects(openRunLog(join(folder, "run.jsonl"), { run: RUN }), /cannot be written: .*\.$/);
  });
});
