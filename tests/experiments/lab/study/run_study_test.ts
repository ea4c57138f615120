/** What a process of the study makes, and what it leaves to others; whole studies are run by `tests/tasks/gpu/study_test.ts`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { makeBaseModel } from "../../../../experiments/lab/base_model.ts";
import { modelConfig } from "../../../../experiments/lab/families.ts";
import { untrainedPolicy } from "../../../../experiments/lab/pretrain.ts";
import { runStudy, type StudyOptions } from "../../../../experiments/lab/study/run_study.ts";
import { type StudyRun, studyRun } from "../../../../experiments/lab/study/study_run.ts";
import { readTimings } from "../../../../experiments/lab/study/timings.ts";
import { taskByName } from "../../../../experiments/lab/tasks/task_by_name.ts";
import { requestGpu } from "../../../../kernels/mod.ts";
import { withFolder } from "../../../support.ts";
import { SMALL } from "../../../tasks/gpu/small_study.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

/** Makes runs in a folder and tells what happened. */
async function studyIn(
  folder: string,
  runs: readonly StudyRun[],
  onWait = () => {},
): Promise<string[]> {
  const events: string[] = [];
  const options: StudyOptions = {
    logs: join(folder, "logs"),
    models: join(folder, "models"),
    unfinished: join(folder, "unfinished"),
    timings: join(folder, "timings.jsonl"),
    codeVersion: "test",
    onBaseModel: (name) => events.push(`base model ${name}`),
    onRun: ({ name }) => events.push(name),
    onStep: () => {},
    onFailure: ({ name }, { message }) => events.push(`${name}: ${message}`),
    onWait() {
      events.push("waits");
      onWait();
    },
  };
  await runStudy(gpu, runs, options);
  return events;
}

/** A base model that has learnt next to nothing. */
async function makeBase(folder: string): Promise<void> {
  using policy = untrainedPolicy(gpu, modelConfig(SMALL.model), 1);
  const settings = { steps: 1, batch: 2, learningRate: 1e-3, seed: 1 };
  await makeBaseModel(policy, taskByName("math"), [{ solve: "teacher", settings }], {
    folder: join(folder, "models", `${SMALL.model}.math`),
    resume: false,
    model: SMALL.model,
    onStep() {},
  });
}

/** A lock as another process has it, with its file's folder. */
async function lock(folder: string, name: string): Promise<Deno.FsFile> {
  await Deno.mkdir(folder, { recursive: true });
  const file = await Deno.open(join(folder, name), { read: true, append: true, create: true });
  assert(await file.tryLock(true));
  return file;
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

Deno.test("a run that another process makes is left to it, one that fails is passed over", async () => {
  const [taken, damaged, good] = [
    studyRun(SMALL),
    studyRun({ ...SMALL, model: "qwen2.5-1.5b" }),
    studyRun({ ...SMALL, algorithm: "prime" }),
  ] as const;
  await withFolder(async (folder) => {
    await makeBase(folder);
    const broken = join(folder, "models/qwen2.5-1.5b.math");
    await Deno.mkdir(broken);
    await Deno.writeTextFile(join(broken, "config.json"), "{}");
    using _lock = await lock(join(folder, "unfinished"), `${taken.name}.lock`);
    const [failure, ...events] = await studyIn(folder, [taken, damaged, good]);
    assert.equal(failure, damaged.name);
    assert(events[0]!.startsWith(`${damaged.name}: ${broken}`), events[0]);
    assert.deepEqual(events.slice(1), [good.name]);
    assert.deepEqual(namesIn(join(folder, "logs")), [`${good.name}.jsonl`]);
    // Neither policy nor reward model are kept.
    assert(namesIn(join(folder, "unfinished")).every((name) => name.endsWith(".lock")));
    const [timing, ...others] = await readTimings(join(folder, "timings.jsonl"));
    assert.equal(timing!.run, good.name);
    assert.deepEqual(others, []);
  });
});

Deno.test("a base model that another process makes is waited for", async () => {
  const run = studyRun(SMALL);
  await withFolder(async (folder) => {
    const name = `${SMALL.model}.math.unfinished.lock`;
    const other = await lock(join(folder, "models"), name);
    let made: Promise<void> | undefined;
    const events = await studyIn(folder, [run], () => {
      other.close();
      made = makeBase(folder);
    });
    await made;
    assert.deepEqual(events, ["waits", run.name]);
  });
});

Deno.test("a process that was stopped when the log was compressed is followed by one that moves it", async () => {
  const run = studyRun(SMALL);
  await withFolder(async (folder) => {
    const unfinished = join(folder, "unfinished");
    await Deno.mkdir(unfinished);
    const place = join(unfinished, `${run.name}.jsonl.gz`);
    await Deno.writeTextFile(place, "no log");
    assert.match((await studyIn(folder, [run])).join(), /cannot be read: .*; move it away/);
    assert.equal(await Deno.readTextFile(place), "no log");
    const lines = Array.from({ length: run.settings.steps }, (_, i) => ({ step: i + 1, data: {} }));
    const text = [{ run: { configuration: run.settings } }, ...lines]
      .map((line) => `${JSON.stringify(line)}\n`).join("");
    await Deno.writeFile(place, gzipSync(text));
    assert.deepEqual(await studyIn(folder, [run]), []);
    const log = join(folder, "logs", `${run.name}.jsonl.gz`);
    assert.equal(gunzipSync(await Deno.readFile(log)).toString(), text);
  });
});
