/** `--out` of `deno task pretrain` and `deno task train`: nothing that is there already is lost. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { dirname, join } from "node:path";
import { assertOneSentence, ROOT, run, runTask, withFolder } from "../../support.ts";
import { SMALL, spawnTrain, withBase } from "./small_runs.ts";

/** Runs a task where there is no GPU, so that only what needs none can come to an end. */
async function runWithoutGpu(name: string, args: string[], folder: string) {
  const script = join(ROOT, "commands", `${name}.ts`);
  return await run(
    Deno.execPath(),
    ["run", "--quiet", "--allow-all", "--config", join(ROOT, "deno.json"), script, ...args],
    { cwd: folder, env: { VK_DRIVER_FILES: "/nowhere", VK_ICD_FILENAMES: "/nowhere" } },
  );
}

/** Everything below a folder: texts of files, links, and folders. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isSymlink) content[path] = `link to ${await Deno.readLink(path)}`;
    else if (!isDirectory) {
      content[path] = new TextDecoder("latin1").decode(await Deno.readFile(path));
    } else Object.assign(content, { [path]: "folder" }, await contentOf(path));
  }
  return content;
}

/** A task is refused with one sentence, before any work, and changes nothing. */
async function refused(folder: string, task: string, args: string[], message: RegExp) {
  const before = await contentOf(folder);
  assertOneSentence(await runWithoutGpu(task, args, folder), message);
  assert.deepEqual(await contentOf(folder), before);
}

Deno.test("--out means the same in every command that has it", async () => {
  await withFolder(async (folder) => {
    for (const task of ["pretrain", "train", "fit", "cov"]) {
      const { stdout } = await runTask(task, ["--help"], folder);
      assert.match(
        stdout,
        /^ {2}--out DIR +the parent folder, made if missing, into which the command writes/m,
      );
    }
  });
});

Deno.test("pretrain: whatever is in --out, or at the model's place, stays", async () => {
  await withBase(async (folder, base) => {
    const models = dirname(base);
    const args = ["qwen2.5-0.5b", "--steps", "5", "--out"];
    const there = (place: string) =>
      new RegExp(
        `^error: ${place} is there already, expected nothing at the place of a new base model; ` +
          "choose another --out DIR, and name the model made there to deno task train by --base\\.$",
        "m",
      );
    await refused(
      folder,
      "pretrain",
      [...args, "base models"],
      there("base models/qwen2.*\\.math"),
    );
    const again = [...args, models, "--resume"];
    await refused(folder, "pretrain", again, there(".*base models/qwen2.*\\.math"));

    const place = join(models, "qwen2.5-0.5b.code");
    const code = [...args, models, "--task", "code"];
    await Deno.writeTextFile(place, "Dear diary,");
    await refused(folder, "pretrain", code, there(".*\\.code"));
    await Deno.remove(place);
    if (Deno.build.os !== "windows") {
      await Deno.symlink("nowhere", place);
      await refused(folder, "pretrain", code, there(".*\\.code"));
      await Deno.remove(place);
    }

    await Deno.mkdir(`${place}.unfinished`);
    await Deno.writeTextFile(join(`${place}.unfinished`, "diary"), "Dear diary,");
    await refused(
      folder,
      "pretrain",
      code,
      /code\.unfinished is there already; --resume goes on with it, and another --out begins anew/,
    );
    await refused(
      folder,
      "pretrain",
      [...code, "--resume"],
      /code\.unfinished holds "diary", which is no file of a checkpoint, so it is left as it is; /,
    );
    await Deno.remove(`${place}.unfinished`, { recursive: true });

    await Deno.writeTextFile(join(folder, "file"), "Dear diary,");
    for (const [out, what] of [["file", "which"], ["file/models", "and .*/file"]] as const) {
      const message = new RegExp(
        `^error: --out is ${out}, ${what} is a file, expected a folder\\.\n$`,
      );
      await refused(folder, "pretrain", [...args, out], message);
      await refused(folder, "train", ["--model", "qwen2.5-0.5b", "--out", out], message);
    }

    // The rest of the folder, the current one here, is none of its business.
    const before = await contentOf(folder);
    const { code: ended, stderr } = await runTask("pretrain", [...args, "."], folder);
    assert.equal(ended, 0, stderr);
    const after = await contentOf(folder);
    for (const [path, content] of Object.entries(before)) assert.equal(after[path], content);
    const made = join(folder, "qwen2.5-0.5b.math");
    assert.equal(after[join(made, "model.safetensors")], after[join(base, "model.safetensors")]);
    assert.deepEqual(
      Object.keys(after).filter((path) => !(path in before)).sort(),
      [made, join(made, "config.json"), join(made, "model.safetensors")],
    );
  });
});

Deno.test("pretrain: the base models of this repository stay", async () => {
  const { code, stderr } = await runWithoutGpu("pretrain", ["qwen2.5-0.5b"], ROOT);
  assert.equal(code, 1);
  assert.match(stderr, /results\/models\/qwen2\.5-0\.5b\.math is there already, expected nothing/);
});

Deno.test("train: runs go to runs/ of the folder that it is called from, and a second call loses nothing", async () => {
  await withFolder(async (folder) => {
    const args = ["--model", "qwen2.5-0.5b", "--steps", "1", ...SMALL];
    const { code, stdout, stderr } = await runTask("train", args, folder);
    assert.equal(code, 0, stderr);
    const id = "qwen2.5-0.5b.math.grpo.none.seed1";
    assert.match(stdout, new RegExp(`^wrote runs/${id}\\.jsonl$`, "m"));
    const names = Array.from(Deno.readDirSync(join(folder, "runs")), ({ name }) => name).sort();
    assert.deepEqual(names, [`${id}.checkpoint`, `${id}.jsonl`]);
    const [first] = (await Deno.readTextFile(join(folder, "runs", `${id}.jsonl`))).split("\n");
    const { base } = JSON.parse(first!).run;
    assert.equal(base.model, "qwen2.5-0.5b");
    assert.match(base.sha256, /^[0-9a-f]{64}$/);

    await refused(
      folder,
      "train",
      args,
      new RegExp(
        `^error: runs/${id}\\.jsonl is there already, expected nothing at the place of a new run; ` +
          "--resume goes on with it, another --seed or --out begins another run\\.$",
        "m",
      ),
    );
    const before = await contentOf(folder);
    const again = await runTask("train", [...args, "--resume"], folder);
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(await contentOf(folder), before);

    await Deno.remove(join(folder, "runs", `${id}.checkpoint`), { recursive: true });
    for (const resume of [[], ["--resume"]]) {
      await refused(
        folder,
        "train",
        [...args, ...resume],
        new RegExp(
          `^error: runs/${id}\\.jsonl is there already, and has no checkpoint to go on from: it is ` +
            "left as it is, another --seed or --out begins another run\\.$",
          "m",
        ),
      );
    }
  });
});

Deno.test("train: a log of this repository stays, with and without --resume", async () => {
  await withFolder(async (folder) => {
    const id = "qwen2.5-7b.math.grpo.none.seed1";
    await Deno.mkdir(join(folder, "logs"));
    const log = join(folder, "logs", `${id}.jsonl`);
    const compressed = await Deno.readFile(join(ROOT, "results/logs", `${id}.jsonl.gz`));
    await Deno.writeFile(log, gunzipSync(compressed));
    const safe = "another --seed or --out begins another run\\.$";
    for (const resume of [[], ["--resume"]]) {
      const args = ["--out", "logs", ...resume];
      await refused(folder, "train", args, new RegExp(`is left as it is, ${safe}`, "m"));
    }
    await Deno.writeFile(`${log}.gz`, compressed);
    await Deno.remove(log);
    for (const resume of [[], ["--resume"]]) {
      const args = ["--out", "logs", ...resume];
      await refused(
        folder,
        "train",
        args,
        new RegExp(`jsonl is finished: .*gz is there; ${safe}`, "m"),
      );
    }
  });
});

Deno.test("train: called plainly it begins a run, whatever logs this repository has", async () => {
  await withFolder(async (folder) => {
    const process = spawnTrain([], folder);
    let hasEnded = false;
    process.status.then(() => hasEnded = true);
    const id = "qwen2.5-7b.math.grpo.none.seed1";
    const log = join(folder, "runs", `${id}.jsonl`);
    while (!(await Deno.stat(log).then(({ size }) => size > 0, () => false))) {
      assert(!hasEnded);
      await new Promise((wake) => setTimeout(wake, 50));
    }
    process.kill("SIGKILL");
    await process.stdout.cancel();
    await process.status;
    const names = Array.from(Deno.readDirSync(join(folder, "runs")), ({ name }) => name).sort();
    assert.deepEqual(names, [`${id}.checkpoint`, `${id}.jsonl`]);
  });
});
