/** A run's log, checkpoints and base model belong together: what a kill leaves, and what is not this run's. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { readCheckpoint, writeCheckpoint } from "../../../experiments/lab/checkpoint.ts";
import { LabError } from "../../../experiments/lab/errors.ts";
import { modelConfig, parameterShapes } from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import { expectRunPlace } from "../../../experiments/lab/run/run_place.ts";
import { trainSettings } from "../../../experiments/lab/train_settings.ts";
import { train } from "../../../experiments/lab/train.ts";
import { requestGpu } from "../../../kernels/mod.ts";
import { withFolder } from "../../support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const SETTINGS = {
  model: "qwen2.5-0.5b",
  algorithm: "prime",
  steps: 2,
  prompts: 2,
  group: 2,
  minibatches: 2,
  learningRate: 0.01,
  filterGroups: false,
  checkpointEvery: 1,
};

/** Writes an untrained base model. */
async function writeBase(folder: string, seed = 1): Promise<void> {
  const config = modelConfig("qwen2.5-0.5b");
  const shapes = parameterShapes(config);
  const parameters = new Map(
    Object.entries(initialParameters(config, seed)).map(([name, data]) => [
      name,
      { shape: shapes[name]!, data },
    ]),
  );
  await writeCheckpoint(folder, { config, parameters });
}

interface Attempt {
  settings?: Record<string, unknown>;
  base?: string;
  resume?: boolean;
  afterStep?: (step: number) => void;
}

function placeIn(folder: string, resume: boolean) {
  return { log: join(folder, "run.jsonl"), checkpoint: join(folder, "run.checkpoint"), resume };
}

async function attempt(folder: string, base: string, options: Attempt = {}): Promise<string> {
  const { settings = {}, resume = false, afterStep = () => {} } = options;
  return await train(gpu, trainSettings({ ...SETTINGS, ...settings }), {
    ...placeIn(folder, resume),
    base: options.base ?? base,
    codeVersion: "0123abc",
    onStep: afterStep,
  });
}

/** Makes what a run does before its first step from here, and nothing more. */
async function open(folder: string, base: string, options: Attempt = {}): Promise<void> {
  const record = gpu.record.bind(gpu);
  const stopped = new Error("stopped");
  gpu.record = (label) => {
    if (label !== "checkpoint") throw stopped;
    return record(label);
  };
  try {
    await attempt(folder, base, options);
  } catch (error) {
    if (error !== stopped) throw error;
  } finally {
    gpu.record = record;
  }
}

/** What lies below a folder, by path in an order that it can be made again in: files, and undefined for folders. */
type Content = Map<string, Uint8Array<ArrayBuffer> | undefined>;

function contentOf(folder: string): Content {
  const content: Content = new Map();
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = join(folder, name);
    content.set(name, isDirectory ? undefined : Deno.readFileSync(path));
    if (!isDirectory) continue;
    for (const [inner, bytes] of contentOf(path)) content.set(join(name, inner), bytes);
  }
  return content;
}

function make(folder: string, content: Content): void {
  Deno.mkdirSync(folder);
  for (const [path, bytes] of content) {
    if (bytes === undefined) Deno.mkdirSync(join(folder, path));
    else Deno.writeFileSync(join(folder, path), bytes);
  }
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

/** An attempt is refused with one sentence, and changes nothing. */
async function refused(
  folder: string,
  run: () => Promise<unknown>,
  message: string | RegExp,
): Promise<void> {
  const before = contentOf(folder);
  await assert.rejects(run, (error) => {
    assert(error instanceof LabError, String(error));
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
  assert.deepEqual(contentOf(folder), before);
}

/** What can be done without losing anything. */
const SAFE = "another --seed or --out begins another run";

/**
 * Calls `seen` before and after each change of a file that the body makes, and halfway through each write:
 * what lies in the folder then is what a kill at that time would leave.
 */
async function atEachChange(seen: () => Promise<void>, body: () => Promise<unknown>) {
  const { open, mkdir, rename, remove, writeTextFile } = Deno;
  const { write, truncate } = Deno.FsFile.prototype;
  const around = <A extends unknown[], R>(change: (...args: A) => Promise<R>) =>
    async function (this: unknown, ...args: A): Promise<R> {
      await seen();
      const result = await change.apply(this, args);
      await seen();
      return result;
    };
  Object.assign(Deno, {
    open: around(open),
    mkdir: around(mkdir),
    rename: around(rename),
    remove: around(remove),
    async writeTextFile(path: string, text: string) {
      await writeTextFile(path, text.slice(0, text.length / 2));
      await seen();
      await writeTextFile(path, text);
    },
  });
  Object.assign(Deno.FsFile.prototype, {
    truncate: around(truncate),
    async write(this: Deno.FsFile, bytes: Uint8Array) {
      const half = await write.call(this, bytes.subarray(0, bytes.length / 2));
      await seen();
      return half + await write.call(this, bytes.subarray(half));
    },
  });
  try {
    await body();
  } finally {
    Object.assign(Deno, { open, mkdir, rename, remove, writeTextFile });
    Object.assign(Deno.FsFile.prototype, { write, truncate });
  }
}

Deno.test("a run that is killed at any change of a file goes on as if it had not been", async () => {
  await withFolder(async (outer) => {
    const place = (name: string) => join(outer, name);
    const [base, folder, left] = [place("base"), place("run"), place("left")];
    await writeBase(base);
    await Deno.mkdir(folder);
    const states: Content[] = [];
    const see = () => Promise.resolve(void states.push(contentOf(folder)));
    const afterStep = (step: number) => make(place(`step ${step}`), contentOf(folder));
    // One step is enough: the checkpoint of the beginning is replaced.
    const settings = { steps: 1 };
    await atEachChange(see, () => attempt(folder, base, { settings, afterStep }));
    await open(place("step 0"), base, { settings });
    const read = async (folder: string, step: number) => [
      await readCheckpoint(join(folder, "run.checkpoint")),
      await readCheckpoint(join(folder, `run.checkpoint.reward-model-${step}`)),
    ];
    const expected = await Promise.all([0, 1].map((step) => read(place(`step ${step}`), step)));
    const lines = (await Deno.readTextFile(join(folder, "run.jsonl"))).split("\n").slice(0, -1);

    const seen = new Set<string>();
    const steps = new Set<number>();
    for (const state of states) {
      const key = describe(state);
      if (seen.has(key)) continue;
      seen.add(key);
      make(left, state);
      const isNew = !state.has("run.checkpoint") && !state.has("run.checkpoint.previous");
      if (isNew) assert(!state.get("run.jsonl")?.length, `a log without a checkpoint:\n${key}`);
      else await refused(left, () => expectRunPlace(placeIn(left, false)), /--resume goes on with/);
      await open(left, base, { settings, resume: true });
      const step = (await readCheckpoint(join(left, "run.checkpoint"))).trainer!["step"] as number;
      steps.add(step);
      assert.deepEqual(await read(left, step), expected[step], key);
      const log = lines.slice(0, 1 + step).map((line) => `${line}\n`).join("");
      assert.equal(await Deno.readTextFile(join(left, "run.jsonl")), log, key);
      assert.deepEqual(
        [...new Set(namesIn(left).map((name) => name.replace(/\.(previous|writing)$/, "")))],
        ["run.checkpoint", `run.checkpoint.reward-model-${step}`, "run.jsonl"],
      );
      await Deno.remove(left, { recursive: true });
    }
    assert.deepEqual([...steps].sort(), [0, 1]);
    assert(seen.size > 50, `${seen.size} states`);
  });
});

/** What differs between states; how many tensors of an unfinished file are written does not. */
function describe(state: Content): string {
  return Array.from(state, ([path, bytes]) => {
    if (bytes === undefined) return path;
    if (/writing.\w+\.safetensors$/.test(path)) return `${path} ${bytes.length === 0}`;
    return `${path} ${createHash("sha256").update(bytes).digest("hex")}`;
  }).sort().join("\n");
}

Deno.test("a log without its checkpoint is never written to, nor a checkpoint without its log", async () => {
  await withFolder(async (outer) => {
    const [base, folder] = [join(outer, "base"), join(outer, "run")];
    await writeBase(base);
    await open(folder, base);
    const [log, checkpoint] = [join(folder, "run.jsonl"), join(folder, "run.checkpoint")];
    const refusedWith = (message: string, resume: boolean) =>
      refused(folder, () => attempt(folder, base, { resume }), message);
    const there = "is there already, expected nothing at the place of a new run;";

    await refusedWith(`${log} ${there} --resume goes on with it, ${SAFE}.`, false);

    const saved = contentOf(folder);
    const again = async (change: () => Promise<void>) => {
      await Deno.remove(folder, { recursive: true });
      make(folder, saved);
      await change();
    };
    await again(() => Deno.remove(checkpoint, { recursive: true }));
    const alone =
      `${log} is there already, and has no checkpoint to go on from: it is left as it ` +
      `is, ${SAFE}.`;
    await refusedWith(alone, false);
    await refusedWith(alone, true);

    await again(() => Deno.remove(log));
    await refusedWith(`${checkpoint} ${there} --resume goes on with it, ${SAFE}.`, false);
    await refusedWith(
      `there is no log ${log}, expected that of the checkpoint ${checkpoint}; ${SAFE}.`,
      true,
    );

    // The reward model of a run whose other files were moved away.
    await again(async () => {
      await Deno.remove(log);
      await Deno.remove(checkpoint, { recursive: true });
      await Deno.rename(`${checkpoint}.reward-model-0`, `${checkpoint}.reward-model-7`);
    });
    await refusedWith(`${checkpoint}.reward-model-7 ${there} ${SAFE}.`, false);
    await refusedWith(`${checkpoint}.reward-model-7 ${there} ${SAFE}.`, true);

    await again(() => Deno.writeTextFile(join(checkpoint, "diary"), "Dear diary,"));
    await refusedWith(
      `${checkpoint} holds "diary", which is no file of a checkpoint, so it is left as it is; ` +
        "move it away, or choose another --out.",
      true,
    );

    await again(() => Deno.writeTextFile(`${log}.gz`, ""));
    await refusedWith(`${log} is finished: ${log}.gz is there; ${SAFE}.`, false);
    await refusedWith(`${log} is finished: ${log}.gz is there; ${SAFE}.`, true);

    await again(() => Deno.writeTextFile(log, "Dear diary,\n"));
    await refused(
      folder,
      () => attempt(folder, base, { resume: true }),
      /does not begin with a run/,
    );

    // A log whose lines after the first are lost has fewer steps than its checkpoint.
    await again(async () => {
      const part = await readCheckpoint(checkpoint);
      for (const place of [checkpoint, `${checkpoint}.reward-model-4`]) {
        const read = place === checkpoint
          ? part
          : await readCheckpoint(`${checkpoint}.reward-model-0`);
        await writeCheckpoint(place, { ...read, trainer: { ...read.trainer, step: 4 } });
      }
    });
    await refusedWith(`${log} has whole steps up to 0, expected up to 4 to resume at 5.`, true);
  });
});

Deno.test("another run's checkpoint, another base model, or a byte that changed is refused and named", async () => {
  await withFolder(async (outer) => {
    const [base, otherBase, folder, other] = ["base", "other base", "run", "other"].map((name) =>
      join(outer, name)
    ) as [string, string, string, string];
    await writeBase(base);
    await writeBase(otherBase, 2);
    await open(folder, base);
    const saved = contentOf(folder);
    const [checkpoint, reward] = ["run.checkpoint", "run.checkpoint.reward-model-0"].map((name) =>
      join(folder, name)
    ) as [string, string];
    const fromOther = async (options: Attempt) => {
      await Deno.remove(other, { recursive: true }).catch(() => {});
      await open(other, base, options);
      for (const place of ["run.checkpoint", "run.checkpoint.reward-model-0"]) {
        await Deno.remove(join(folder, place), { recursive: true });
        make(join(folder, place), contentOf(join(other, place)));
      }
    };
    const resumed = (message: string | RegExp, options: Attempt = {}) =>
      refused(folder, () => attempt(folder, base, { resume: true, ...options }), message);
    const restored = async () => {
      await Deno.remove(folder, { recursive: true });
      make(folder, saved);
    };

    const expected = "expected the same to resume it, not";
    await fromOther({ settings: { seed: 2 } });
    await resumed(`${checkpoint} was begun with seed 2, ${expected} 1.`);
    await fromOther({ settings: { temperature: 0.5 } });
    await resumed(`${checkpoint} was begun with temperature 0.5, ${expected} 1.`);
    await fromOther({ base: otherBase });
    const bases = `base model of SHA-256 "[0-9a-f]{64}", ${expected} "[0-9a-f]{64}"\\.$`;
    await resumed(new RegExp(`run\\.checkpoint was begun with ${bases}`));
    // The log is still of the first base model.
    await resumed(new RegExp(`run\\.jsonl was begun with ${bases}`), { base: otherBase });
    await restored();
    await resumed(new RegExp(`run\\.checkpoint was begun with ${bases}`), { base: otherBase });

    await Deno.rename(checkpoint, join(outer, "aside"));
    make(checkpoint, contentOf(reward));
    await resumed(`${checkpoint} holds the run's reward model, expected its policy.`);
    await Deno.remove(reward, { recursive: true });
    await Deno.rename(checkpoint, reward);
    await Deno.rename(join(outer, "aside"), checkpoint);
    const part = await readCheckpoint(reward);
    await writeCheckpoint(reward, { ...part, trainer: { ...part.trainer, rewardUpdates: 3 } });
    const run = { ...part.trainer!["run"] as object, id: "another" };
    await writeCheckpoint(checkpoint, { ...part, trainer: { ...part.trainer, run } });
    await resumed(
      `${checkpoint} is of the run "another", expected qwen2.5-0.5b.math.prime.none.seed1.`,
    );
    await writeCheckpoint(checkpoint, { ...part, trainer: { ...part.trainer, part: "policy" } });
    await resumed(
      `${reward} is of step 0 with 0 updates and 3 of the reward model, expected step 0 with 0 ` +
        `updates and 0 of the reward model as in ${checkpoint}.`,
    );
    await restored();

    for (const place of [checkpoint, reward]) {
      for (const name of ["model.safetensors", "optimizer.safetensors"]) {
        const path = join(place, name);
        const whole = await Deno.readFile(path);
        const bytes = whole.slice();
        bytes[bytes.length - 3]! ^= 1;
        await Deno.writeFile(path, bytes);
        const tensor = name === "model.safetensors" ? "" : "second_moment.";
        await resumed(
          new RegExp(`${name}: ${tensor}model\\.norm\\.weight is not what was written`),
        );
        await Deno.writeFile(path, whole);
      }
    }
    for (
      const [json, message] of [
        ["null", "it is null, expected a JSON object."],
        ["{}", "part is missing, expected one of policy, reward model."],
      ] as const
    ) {
      await Deno.writeTextFile(join(checkpoint, "trainer.json"), json);
      await resumed(`${checkpoint}/trainer.json: ${message}`);
    }
    const good = await readCheckpoint(reward);
    for (
      const [change, message] of [
        [{ step: -1 }, "step is -1, expected at least 0."],
        [{ step: 0.5 }, "step is 0.5, expected a whole number."],
        [{ updates: 1e300 }, "updates is 1e+300, expected at most 9007199254740991."],
        [{ rewardUpdates: "3" }, 'rewardUpdates is "3", expected a finite number.'],
        [{ speed: 9 }, '"speed" is there, expected no field of that name.'],
        [{ run: { id: 5 } }, "run.id is 5, expected text."],
      ] as const
    ) {
      const trainer = { ...good.trainer, part: "policy", ...change };
      await writeCheckpoint(checkpoint, { ...good, trainer });
      await resumed(`${checkpoint}/trainer.json: ${message}`);
    }
    await restored();
    await open(folder, base, { resume: true });
    assert.deepEqual(contentOf(folder), saved);
  });
});

Deno.test("a run of another architecture is not gone on with", async () => {
  await withFolder(async (outer) => {
    const [base, folder] = [join(outer, "base"), join(outer, "run")];
    await writeBase(base);
    await open(folder, base);
    const place = join(folder, "run.checkpoint");
    const saved = await readCheckpoint(place);
    await writeCheckpoint(place, { ...saved, config: { ...saved.config, rope_theta: 7 } });
    const message =
      `${place} is of a policy with rope_theta 7, expected ${saved.config.rope_theta}.`;
    await refused(folder, () => attempt(folder, base, { resume: true }), message);
  });
});
