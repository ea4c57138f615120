/** A base model whose making was stopped goes on to the same bits. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeBaseModel } from "../../../experiments/lab/base_model.ts";
import {
  hasCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from "../../../experiments/lab/checkpoint.ts";
import { LabError } from "../../../experiments/lab/errors.ts";
import { modelConfig } from "../../../experiments/lab/families.ts";
import { type Pass, untrainedPolicy } from "../../../experiments/lab/pretrain.ts";
import { taskByName, type TaskName } from "../../../experiments/lab/tasks/task_by_name.ts";
import { requestGpu } from "../../../kernels/mod.ts";
import { withFolder } from "../../support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const PASSES: readonly Pass[] = [
  { solve: "teacher", settings: { steps: 20, batch: 2, learningRate: 1e-3, seed: 1 } },
  { solve: "clean", settings: { steps: 240, batch: 2, learningRate: 1e-4, seed: 2 } },
];

async function make(
  folder: string,
  resume: boolean,
  stopAt = Infinity,
  { model = "qwen2.5-0.5b", task = "math" as TaskName, passes = PASSES } = {},
): Promise<number[]> {
  using policy = untrainedPolicy(gpu, modelConfig("qwen2.5-0.5b"), 1);
  const seen: number[] = [];
  await makeBaseModel(policy, taskByName(task), passes, {
    folder,
    resume,
    model,
    onStep({ solve }, { step }) {
      if (solve === "clean" && step === stopAt) throw new Error("stopped");
      seen.push(step);
    },
  });
  return seen;
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

Deno.test("a base model that was stopped goes on to the same bits, and leaves nothing else", async () => {
  await withFolder(async (folder) => {
    const [whole, stopped] = [join(folder, "whole"), join(folder, "stopped")];
    await make(whole, false);
    await assert.rejects(make(stopped, true, 220), /stopped/);
    assert(!await hasCheckpoint(stopped));
    assert.deepEqual(await make(stopped, true), [220, 240]);
    const [expected, actual] = await Promise.all(
      [whole, stopped].map((place) => Deno.readFile(join(place, "model.safetensors"))),
    );
    assert.deepEqual(actual, expected);
    assert.deepEqual(namesIn(folder), ["stopped", "whole"]);
  });
});

Deno.test("what was begun otherwise, or was damaged, is not gone on with, and stays", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "model");
    const unfinished = `${place}.unfinished`;
    // Stopped in the first pass, before the first save but the one at the beginning.
    await assert.rejects(make(place, false, 20), /stopped/);
    const saved = await readCheckpoint(unfinished);
    const refused = async (attempt: Promise<unknown>, message: string) => {
      await assert.rejects(attempt, (error) => {
        assert(error instanceof LabError, String(error));
        assert(error.message.includes(message), error.message);
        return true;
      });
      assert(!await hasCheckpoint(place));
    };
    await refused(
      make(place, false),
      `${unfinished} is there already; --resume goes on with it, and another --out begins anew.`,
    );
    const begun = `${unfinished} was begun with`;
    await refused(
      make(place, true, Infinity, { model: "qwen2.5-7b" }),
      `${begun} model "qwen2.5-0.5b", expected "qwen2.5-7b".`,
    );
    await refused(
      make(place, true, Infinity, { task: "code" }),
      `${begun} task "math", expected "code".`,
    );
    const passes = PASSES.slice(1);
    await refused(
      make(place, true, Infinity, { passes }),
      `${begun} passes ${JSON.stringify(PASSES)}, expected ${JSON.stringify(passes)}.`,
    );
    for (
      const [change, message] of [
        [{ step: -1 }, "step is -1, expected at least 0."],
        [{ step: 0.5 }, "step is 0.5, expected a whole number."],
        [{ pass: "0" }, 'pass is "0", expected a finite number.'],
        [{ passes: {} }, "passes is {}, expected a list."],
        [{ speed: 9 }, '"speed" is there, expected no field of that name.'],
      ] as const
    ) {
      await writeCheckpoint(unfinished, { ...saved, trainer: { ...saved.trainer, ...change } });
      await refused(make(place, true), `${unfinished}/trainer.json: ${message}`);
    }
    await writeCheckpoint(unfinished, saved);
    const moments = join(unfinished, "optimizer.safetensors");
    const bytes = await Deno.readFile(moments);
    bytes[bytes.length - 1]! ^= 1;
    await Deno.writeFile(moments, bytes);
    await refused(make(place, true), `${moments}: second_moment.model.norm.weight is not what`);
  });
});

Deno.test("one process at a time makes a base model, and one that was killed does not stand in the way", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "model");
    const path = `${place}.unfinished.lock`;
    const passes = [{ ...PASSES[0]!, settings: { ...PASSES[0]!.settings, steps: 1 } }];
    const script = `const file = await Deno.open(Deno.args[0], { write: true, create: true });
      await file.lock(true);
      console.log("locked");
      await new Promise((wake) => setTimeout(wake, 1e6));`;
    await Deno.writeTextFile(join(folder, "lock.ts"), script);
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--no-config", "-A", join(folder, "lock.ts"), path],
      stdout: "piped",
    }).spawn();
    const output = process.stdout.getReader();
    try {
      await output.read();
      for (const resume of [false, true]) {
        await assert.rejects(make(place, resume, Infinity, { passes }), {
          name: "BusyError",
          message: `${place}.unfinished is being made by another process.`,
        });
      }
      assert(!await hasCheckpoint(`${place}.unfinished`));
    } finally {
      process.kill("SIGKILL");
      await output.cancel();
      await process.status;
    }
    assert.equal((await Deno.stat(path)).size, 0);

    using policy = untrainedPolicy(gpu, modelConfig("qwen2.5-0.5b"), 1);
    let second: Promise<void> | undefined;
    await makeBaseModel(policy, taskByName("math"), [
      { ...PASSES[0]!, settings: { ...PASSES[0]!.settings, steps: 60 } },
    ], {
      folder: place,
      resume: true,
      model: "qwen2.5-0.5b",
      onStep() {
        second ??= assert.rejects(
          make(place, true, Infinity, { passes }),
          /unfinished is being made by another process\.$/,
        );
      },
    });
    assert(second !== undefined);
    await second;
    assert.deepEqual(namesIn(folder), ["lock.ts", "model"]);

    await Deno.remove(place, { recursive: true });
    await Deno.writeTextFile(path, "Dear diary,");
    await assert.rejects(make(place, true, Infinity, { passes }), /lock is there and is no lock/);
    assert.deepEqual(namesIn(folder), ["lock.ts", "model.unfinished.lock"]);
    assert.equal(await Deno.readTextFile(path), "Dear diary,");
  });
});

Deno.test("a base model is made only where there is nothing, and nothing beside it is touched", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "model");
    const diary = async (path: string) => {
      await Deno.mkdir(path);
      await Deno.writeTextFile(join(path, "diary"), "Dear diary,");
    };
    await diary(place);
    const there = `${place} is there already, expected nothing at the place of a new base model`;
    for (const resume of [false, true]) {
      await assert.rejects(make(place, resume), ({ message }) => message.startsWith(there));
    }
    await Deno.remove(place, { recursive: true });
    await diary(`${place}.unfinished`);
    const unfinished = /unfinished holds "diary", which is no file of a checkpoint, so it is left/;
    await assert.rejects(make(place, true), unfinished);
    await assert.rejects(make(place, false), /unfinished is there already/);
    assert.equal(await Deno.readTextFile(`${place}.unfinished/diary`), "Dear diary,");
    // What came while it was made stays, too.
    await Deno.remove(`${place}.unfinished`, { recursive: true });
    const passes = [{ ...PASSES[0]!, settings: { ...PASSES[0]!.settings, steps: 1 } }];
    using policy = untrainedPolicy(gpu, modelConfig("qwen2.5-0.5b"), 1);
    const making = makeBaseModel(policy, taskByName("math"), passes, {
      folder: place,
      resume: false,
      model: "qwen2.5-0.5b",
      onStep: () => Deno.mkdirSync(place),
    });
    await assert.rejects(
      making,
      ({ message }) => message === `${place} is there already, expected nothing at its place.`,
    );
    assert.equal(Array.from(Deno.readDirSync(place)).length, 0);
    assert(await hasCheckpoint(`${place}.unfinished`));
  });
});
