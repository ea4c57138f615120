/** Checkpoints: round trips, files of the hub, what is missing or damaged, and ends at any time. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import {
  type Checkpoint,
  CheckpointError,
  expectWritable,
  hasCheckpoint,
  readCheckpoint,
  readConfig,
  readParameters,
  removeCheckpoint,
  writeCheckpoint,
  writeNewCheckpoint,
} from "../../../experiments/lab/checkpoint.ts";
import { modelConfig, parameterShapes } from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import { ReadError, UserError } from "../../../formats/errors.ts";
import { readHeader, type TensorData, writeSafetensors } from "../../../formats/safetensors.ts";
import { ROOT, withFolder } from "../../support.ts";

const CONFIG = modelConfig("qwen2.5-0.5b");

/** Tensors of a model, drawn by seed. */
function tensors(config = CONFIG, seed = 1): Map<string, TensorData> {
  const shapes = parameterShapes(config);
  const values = Object.entries(initialParameters(config, seed));
  return new Map(values.map(([name, data]) => [name, { shape: shapes[name]!, data }]));
}

/** A checkpoint whose every part shows the step. */
function checkpointAt(step: number, config = CONFIG): Checkpoint {
  const [firstMoments, secondMoments] = [tensors(config, step + 1), tensors(config, step + 2)];
  return {
    config,
    parameters: tensors(config, step),
    optimizer: { step, firstMoments, secondMoments },
    trainer: { step, seeds: [step, 0.1], name: "run" },
  };
}

Deno.test("a checkpoint is read as it was written", async () => {
  await withFolder(async (folder) => {
    for (const name of ["qwen2.5-1.5b", "mistral-7b-v0.3", "llama-3.2-3b", "deepseek-math-7b"]) {
      const place = join(folder, "runs", name);
      assert.equal(await hasCheckpoint(place), false);
      const checkpoint = checkpointAt(3, modelConfig(name));
      await writeCheckpoint(place, checkpoint);
      assert.equal(await hasCheckpoint(place), true);
      assert.deepEqual(await readCheckpoint(place), checkpoint);
      assert.deepEqual(await readConfig(place), checkpoint.config);
    }
    const { config, parameters } = checkpointAt(4);
    const place = join(folder, "model only") + "/";
    await writeCheckpoint(place, { config, parameters });
    assert.deepEqual(await readCheckpoint(place), { config, parameters });
  });
});

Deno.test("a new checkpoint replaces the one before, and leaves nothing else", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    for (const step of [1, 2, 3]) {
      await writeCheckpoint(place, checkpointAt(step));
      assert.deepEqual(await readCheckpoint(place), checkpointAt(step));
    }
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["run"]);
    assert.deepEqual(Array.from(Deno.readDirSync(place), ({ name }) => name).sort(), [
      "config.json",
      "model.safetensors",
      "optimizer.safetensors",
      "trainer.json",
    ]);
    const { metadata, tensors } = await readHeader(join(place, "model.safetensors"));
    assert.equal(metadata["format"], "pt");
    assert.deepEqual([...tensors.keys()], Object.keys(parameterShapes(CONFIG)));
  });
});

Deno.test("an interrupted replacement leaves the checkpoint before or the new one", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    // Between the two renames.
    await writeCheckpoint(`${place}.previous`, checkpointAt(1));
    await writeCheckpoint(`${place}.writing`, checkpointAt(2));
    assert.equal(await hasCheckpoint(place), true);
    assert.deepEqual(await readCheckpoint(place), checkpointAt(1));
    await writeCheckpoint(place, checkpointAt(3));
    assert.deepEqual(await readCheckpoint(place), checkpointAt(3));
    // After the second.
    await writeCheckpoint(`${place}.previous`, checkpointAt(1));
    assert.deepEqual(await readCheckpoint(place), checkpointAt(3));
    await writeCheckpoint(place, checkpointAt(4));
    assert.deepEqual(await readCheckpoint(place), checkpointAt(4));
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["run"]);
  });
});

/** Everything below a folder: the text of files, and what links point to. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isSymlink) content[name] = `link to ${await Deno.readLink(path)}`;
    else if (!isDirectory) content[name] = await Deno.readTextFile(path);
    else Object.assign(content, { [name]: "folder" }, await contentOf(path));
  }
  return content;
}

Deno.test("what is no checkpoint is neither replaced nor removed, whatever it is", async () => {
  if (Deno.build.os === "windows") return;
  const reason = "so it is left as it is; move it away, or choose another --out.";
  for (
    const [what, make] of [
      ["is no folder", (path) => Deno.writeTextFile(path, "Dear diary,")],
      ["is no folder", (path) => Deno.symlink("/", path)],
      ["is no folder", (path) => Deno.symlink("nowhere", path)],
      ['holds "diary", which is no file of a checkpoint', async (path) => {
        await writeCheckpoint(path, checkpointAt(1));
        await Deno.writeTextFile(join(path, "diary"), "Dear diary,");
      }],
      ['holds "config.json", which is no file of a checkpoint', async (path) => {
        await Deno.mkdir(join(path, "config.json"), { recursive: true });
        await Deno.writeTextFile(join(path, "config.json", "diary"), "Dear diary,");
      }],
      ['holds "model.safetensors", which is no file of a checkpoint', async (path) => {
        await Deno.mkdir(path);
        await Deno.symlink("/etc/passwd", join(path, "model.safetensors"));
      }],
    ] as const satisfies readonly (readonly [string, (path: string) => Promise<void>])[]
  ) {
    for (const ending of ["", ".previous", ".writing"]) {
      await withFolder(async (folder) => {
        const place = join(folder, "run");
        await make(place + ending);
        // Otherwise nothing is replaced.
        if (ending === ".previous") await writeCheckpoint(join(folder, "good"), checkpointAt(2));
        if (ending === ".previous") await Deno.rename(join(folder, "good"), place);
        const before = await contentOf(folder);
        const message = `${place}${ending} ${what}, ${reason}`;
        for (
          const attempt of [
            () => expectWritable(place),
            () => writeCheckpoint(place, checkpointAt(3)),
            () => removeCheckpoint(`${place}${ending}`),
          ]
        ) {
          await assert.rejects(attempt(), { name: "CheckpointError", message });
        }
        assert.deepEqual(await contentOf(folder), before);
      });
    }
  }
});

Deno.test("a new checkpoint is written only where there is nothing, and touches nothing beside", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "model");
    // A person's own copy of an older model.
    await writeCheckpoint(`${place}.previous`, checkpointAt(1));
    await writeNewCheckpoint(place, checkpointAt(2));
    assert.deepEqual(await readCheckpoint(place), checkpointAt(2));
    assert.deepEqual(await readCheckpoint(`${place}.previous`), checkpointAt(1));
    await assert.rejects(writeNewCheckpoint(place, checkpointAt(3)), {
      name: "CheckpointError",
      message: `${place} is there already, expected nothing at its place.`,
    });
    assert.deepEqual(await readCheckpoint(place), checkpointAt(2));
    assert.deepEqual(
      Array.from(Deno.readDirSync(folder), ({ name }) => name).sort(),
      ["model", "model.previous"],
    );
  });
});

Deno.test("a byte that changed anywhere in a trainer's checkpoint is told, and where", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    await writeCheckpoint(place, checkpointAt(1));
    const random = xorshift(7);
    for (const name of ["config.json", "model.safetensors", "optimizer.safetensors"]) {
      const path = join(place, name);
      const whole = await Deno.readFile(path);
      const tensors = name.endsWith(".safetensors") ? (await readHeader(path)).tensors : new Map();
      // Each tensor's first and last byte, and bytes of anything.
      const places = [...tensors.values()].flatMap(({ begin, end }) => [begin, end - 1]);
      for (let i = 0; i < 60; i++) places.push(random() % whole.length);
      for (const at of places) {
        const changed = whole.slice();
        changed[at]! ^= 1 << (random() % 8);
        await Deno.writeFile(path, changed);
        const tensor = [...tensors].find(([, { begin, end }]) => at >= begin && at < end)?.[0];
        const read = await readCheckpoint(place).catch((error) => error);
        if (tensor !== undefined) {
          assert(read instanceof CheckpointError, `${name}: byte ${at}: ${read}`);
          assert(read.message.startsWith(`${path}: ${tensor} is not what was written, `));
        } else if (read instanceof Error) {
          assert(read instanceof UserError, String(read));
        } else {
          // Spaces, and the version of the format, mean nothing.
          assert.deepEqual(read, checkpointAt(1), `${name}: byte ${at}`);
        }
      }
      await Deno.writeFile(path, whole);
    }
    assert.deepEqual(await readCheckpoint(place), checkpointAt(1));
  });
});

/** Numbers below 2³². */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

Deno.test("what is wrong in trainer.json is named", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    await writeCheckpoint(place, checkpointAt(1));
    const path = join(place, "trainer.json");
    const written = JSON.parse(await Deno.readTextFile(path));
    const schema = z.strictObject({
      step: z.int().min(0),
      seeds: z.array(z.number()),
      name: z.string(),
    });
    const refused = async (json: unknown, message: string) => {
      await Deno.writeTextFile(path, JSON.stringify(json).replace('"huge"', "1e999"));
      await assert.rejects(readCheckpoint(place, schema), (error) => {
        assert(error instanceof CheckpointError, String(error));
        assert(error.message.startsWith(`${path}: ${message}`), error.message);
        return true;
      });
    };
    await refused(null, "it is null, expected a JSON object.");
    await refused([], "it is [], expected a JSON object.");
    await refused({}, "step is missing, expected a finite number.");
    await refused({ ...written, step: -1 }, "step is -1, expected at least 0.");
    await refused({ ...written, step: 1.5 }, "step is 1.5, expected a whole number.");
    await refused({ ...written, step: "huge" }, "step is Infinity, expected a finite number.");
    await refused({ ...written, step: 1e300 }, "step is 1e+300, expected at most 90071992547409");
    await refused({ ...written, step: null }, "step is null, expected a finite number.");
    await refused({ ...written, name: 5 }, "name is 5, expected text.");
    await refused({ ...written, seeds: 5 }, "seeds is 5, expected a list.");
    await refused({ ...written, speed: 9 }, '"speed" is there, expected no field of that name.');
    await refused({ ...written, sha256: {} }, "sha256.config.json is missing, expected text.");
    await refused(
      { ...written, sha256: { ...written.sha256, "config.json": "abc" } },
      'sha256.config.json is "abc", expected 64 hexadecimal digits.',
    );
    const { sha256: _, ...without } = written;
    await refused(without, "sha256 is missing, expected a JSON object.");
    await refused(
      { ...written, name: "x".repeat(1000), step: "x".repeat(1000) },
      `step is "${"x".repeat(79)}…, expected a finite number.`,
    );
    const deep = `${"[".repeat(1e5)}${"]".repeat(1e5)}`;
    await Deno.writeTextFile(
      path,
      JSON.stringify({ ...written, deep: 0 }).replace(/0}$/, `${deep}}`),
    );
    await assert.rejects(readCheckpoint(place), {
      name: "CheckpointError",
      message: `${path} is nested too deeply, expected what a trainer wrote.`,
    });
    // What could be true, but was not written.
    await refused({ ...written, step: 2 }, "it is not what was written, its SHA-256 is ");
    const model = { ...written.sha256["model.safetensors"], "model.norm.weight": "0".repeat(64) };
    await refused(
      { ...written, sha256: { ...written.sha256, "model.safetensors": model } },
      "it is not what was written, its SHA-256 is ",
    );
    await Deno.writeTextFile(path, JSON.stringify(written));
    assert.deepEqual(await readCheckpoint(place, schema), checkpointAt(1));
  });
});

Deno.test("a process killed at any time leaves a whole checkpoint", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    const module = pathToFileURL(join(ROOT, "experiments/lab/checkpoint.ts")).href;
    await writeCheckpoint(place, checkpointAt(0));
    const script = join(folder, "write.ts");
    await Deno.writeTextFile(
      script,
      `import { readCheckpoint, writeCheckpoint } from ${JSON.stringify(module)};
      const checkpoint = await readCheckpoint(Deno.args[0]);
      console.log("begun");
      for (let step = checkpoint.trainer.step + 1;; step++) {
        for (const tensors of [
          checkpoint.parameters,
          checkpoint.optimizer.firstMoments,
          checkpoint.optimizer.secondMoments,
        ]) {
          for (const { data } of tensors.values()) data.fill(step);
        }
        await writeCheckpoint(Deno.args[0], {
          ...checkpoint,
          optimizer: { ...checkpoint.optimizer, step },
          trainer: { step },
        });
      }`,
    );
    let last = 0;
    for (let i = 0; i < 12; i++) {
      const process = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "--no-check",
          "-A",
          "--config",
          join(ROOT, "deno.json"),
          script,
          place,
        ],
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const output = process.stdout.getReader();
      await output.read();
      await new Promise((done) => setTimeout(done, 40 + 17 * i));
      process.kill("SIGKILL");
      await process.status;
      await output.cancel();
      const { parameters, optimizer, trainer } = await readCheckpoint(place);
      const { step } = trainer as { step: number };
      assert(step >= last, `step ${step} after ${last}`);
      last = step;
      if (step === 0) continue;
      assert.equal(optimizer!.step, step);
      for (const part of [parameters, optimizer!.firstMoments, optimizer!.secondMoments]) {
        for (const { data } of part.values()) assert(data.every((value) => value === step));
      }
    }
    assert(last > 0, "no checkpoint was written; the test tests less than it should");
  });
});

Deno.test("a full disk is told in one sentence and leaves the last good checkpoint", async () => {
  if (Deno.build.os === "windows") return;
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    await writeCheckpoint(place, checkpointAt(1));
    const module = pathToFileURL(join(ROOT, "experiments/lab/checkpoint.ts")).href;
    const script = join(folder, "write.ts");
    await Deno.writeTextFile(
      script,
      `import { readCheckpoint, writeCheckpoint } from ${JSON.stringify(module)};
      await writeCheckpoint(Deno.args[0], await readCheckpoint(Deno.args[0])).catch((error) =>
        console.log(error.name + ": " + error.message)
      );`,
    );
    // A limit on the size of files, in KiB, stands for the end of the disk.
    const limited = `trap "" XFSZ; ulimit -f 8; exec "$@"`;
    const run = ["run", "--quiet", "--no-check", "--no-lock", "-A", "--config"];
    const { stdout } = await new Deno.Command("bash", {
      args: [
        "-c",
        limited,
        "bash",
        Deno.execPath(),
        ...run,
        join(ROOT, "deno.json"),
        script,
        place,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    const start = `CheckpointError: the checkpoint ${place} cannot be written: File too large`;
    assert(text.startsWith(start), text);
    assert.equal(text.trim().split("\n").length, 1, text);
    assert.deepEqual(await readCheckpoint(place), checkpointAt(1));
    const left = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    assert.deepEqual(left, ["run", "write.ts"]);
  });
});

Deno.test("a place that cannot be written to is told in one sentence", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    const place = join(folder, "file/run");
    assert.equal(await hasCheckpoint(place), false);
    await assert.rejects(writeCheckpoint(place, checkpointAt(1)), (error) => {
      assert(error instanceof CheckpointError);
      return error.message.startsWith(`the checkpoint ${place} cannot be written: Not a directory`);
    });
  });
});

Deno.test("shards with an index are read as one model", async () => {
  await withFolder(async (folder) => {
    const { config, parameters } = checkpointAt(5);
    await writeCheckpoint(folder + "/whole", { config, parameters });
    const place = join(folder, "sharded");
    await Deno.mkdir(place);
    await Deno.copyFile(folder + "/whole/config.json", join(place, "config.json"));
    const files = ["model-00001-of-00003", "model-00002-of-00003", "model-00003-of-00003"]
      .map((name) => `${name}.safetensors`);
    const entries = [...parameters];
    const third = Math.ceil(entries.length / 3);
    const weightMap: Record<string, string> = {};
    for (const [i, file] of files.entries()) {
      const part = entries.slice(i * third, (i + 1) * third);
      for (const [name] of part) weightMap[name] = file;
      await writeSafetensors(join(place, file), new Map(part));
    }
    const index = join(place, "model.safetensors.index.json");
    const write = (weight_map: unknown) =>
      Deno.writeTextFile(index, JSON.stringify({ metadata: { total_size: 1 }, weight_map }));
    await write(weightMap);
    assert.deepEqual(await readCheckpoint(place), { config, parameters });

    await write({ ...weightMap, "model.norm.weight": "../model.safetensors" });
    await assert.rejects(readCheckpoint(place), {
      name: "CheckpointError",
      message:
        `${index} names the file "../model.safetensors", expected a safetensors file beside it.`,
    });
    await write([]);
    await assert.rejects(readCheckpoint(place), {
      message: `${index} has no weight_map, expected the file of each tensor.`,
    });
    await write(weightMap);
    await Deno.remove(join(place, files[1]!));
    await assert.rejects(readCheckpoint(place), {
      name: "ReadError",
      message: `${join(place, files[1]!)} does not exist.`,
    });
  });
});

Deno.test("tensors that others store although they follow from others are passed over", async () => {
  await withFolder(async (folder) => {
    const { config, parameters } = checkpointAt(6);
    await writeCheckpoint(folder + "/run", { config, parameters });
    const extra = new Map(parameters);
    extra.set("lm_head.weight", parameters.get("model.embed_tokens.weight")!);
    const frequencies = { shape: [4], data: new Float32Array(4) };
    extra.set("model.layers.0.self_attn.rotary_emb.inv_freq", frequencies);
    await writeSafetensors(folder + "/run/model.safetensors", extra);
    assert.deepEqual(await readCheckpoint(folder + "/run"), { config, parameters });
  });
});

Deno.test("what is missing, misshapen, superfluous or cut off is named, before any tensor is given", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    const checkpoint = checkpointAt(7);
    const model = join(place, "model.safetensors");
    const name = "model.layers.1.self_attn.k_proj.bias";
    const check = async (
      change: (tensors: Map<string, TensorData>) => unknown,
      message: string,
    ) => {
      await writeCheckpoint(place, checkpoint);
      const tensors = new Map(checkpoint.parameters);
      change(tensors);
      await writeSafetensors(model, tensors);
      const seen: string[] = [];
      await assert.rejects(async () => {
        for await (const { name } of readParameters(place, CONFIG)) seen.push(name);
      }, { name: "CheckpointError", message });
      assert.deepEqual(seen, []);
    };
    const tensor = (...shape: number[]) => ({
      shape,
      data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
    });
    await check((tensors) => tensors.delete(name), `${model} has no tensor ${name}.`);
    await check(
      (tensors) => tensors.set(name, tensor(16)),
      `${model}: ${name} is [16], expected [8].`,
    );
    await check(
      (tensors) => tensors.set(name, tensor(8, 1)),
      `${model}: ${name} is [8,1], expected [8].`,
    );
    await check(
      (tensors) => tensors.set("model.layers.2.input_layernorm.weight", tensor(16)),
      `${model} has the tensor model.layers.2.input_layernorm.weight, for which the configuration has ` +
        "no place.",
    );

    await writeCheckpoint(place, checkpoint);
    await Deno.truncate(model, (await Deno.stat(model)).size - 1);
    await assert.rejects(
      readCheckpoint(place),
      (error) =>
        error instanceof ReadError &&
        /: model\.norm\.weight ends at byte/.test(error.message),
    );
  });
});

Deno.test("an optimizer's state must be whole, and a checkpoint fit its configuration to be written", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    const checkpoint = checkpointAt(8);
    await writeCheckpoint(place, checkpoint);
    const optimizer = join(place, "optimizer.safetensors");
    await writeSafetensors(optimizer, new Map(), { step: "1" });
    await assert.rejects(readCheckpoint(place), {
      message: `${optimizer} has no tensor first_moment.model.embed_tokens.weight.`,
    });
    await writeSafetensors(optimizer, new Map());
    await assert.rejects(readCheckpoint(place), {
      message: `${optimizer} names no step, expected the number of updates so far.`,
    });
    await Deno.remove(optimizer);
    await Deno.writeTextFile(join(place, "trainer.json"), "{");
    await assert.rejects(
      readCheckpoint(place),
      (error) =>
        error instanceof CheckpointError && /trainer\.json is not JSON: /.test(error.message),
    );

    const parameters = new Map(checkpoint.parameters);
    parameters.delete("model.norm.weight");
    await assert.rejects(writeCheckpoint(place, { ...checkpoint, parameters }), {
      message: `${place} has no tensor model.norm.weight.`,
    });
    parameters.set("model.norm.weight", { shape: [16], data: new Float32Array(4) });
    await assert.rejects(writeCheckpoint(place, { ...checkpoint, parameters }), {
      message: "model.norm.weight has 4 values, its shape [16] needs 16.",
    });
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["run"]);
  });
});

Deno.test("a checkpoint that is not there, or not for this implementation, is told", async () => {
  await withFolder(async (folder) => {
    const place = join(folder, "run");
    await assert.rejects(readCheckpoint(place), {
      name: "CheckpointError",
      message: `there is no checkpoint ${place}.`,
    });
    await Deno.mkdir(place);
    const path = join(place, "config.json");
    await assert.rejects(readConfig(place), { message: `${path} does not exist.` });
    await Deno.writeTextFile(path, JSON.stringify({ ...CONFIG, model_type: "gpt2" }));
    await assert.rejects(readConfig(place), {
      name: "CheckpointError",
      message: `${path}: model_type is "gpt2", expected one of qwen2, mistral, llama.`,
    });
    await Deno.writeTextFile(path, JSON.stringify(CONFIG));
    await assert.rejects(readCheckpoint(place), {
      name: "ReadError",
      message: `${join(place, "model.safetensors")} does not exist.`,
    });
  });
});
