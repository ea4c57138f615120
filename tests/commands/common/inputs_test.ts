/** What names, folders and globs stand for: regular files and links to them, each once, and no end of them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { expandInputs } from "../../../commands/common/inputs.ts";
import { ReadError } from "../../../formats/errors.ts";
import { run, withFolder } from "../../support.ts";

/** The paths below `folder` that a name within it stands for, and what was said on stderr. */
async function expanded(folder: string, name: string): Promise<{ paths: string[]; said: string }> {
  const said: string[] = [];
  const print = console.error;
  console.error = (text: string) => said.push(text.replaceAll(folder, ""));
  try {
    const inputs = await expandInputs([join(folder, name)]);
    return {
      paths: inputs.map(({ path }) => path.replace(folder, "").replace(/^\//, "")),
      said: said.join("\n"),
    };
  } finally {
    console.error = print;
  }
}

Deno.test("a folder stands for its regular files and links to such; circular links end, and what is reached twice is taken once", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "logs/deep"), { recursive: true });
    await Deno.mkdir(join(folder, "elsewhere"));
    for (const name of ["logs/b.csv", "logs/deep/c.csv", "elsewhere/d.csv", "e.csv"]) {
      await Deno.writeTextFile(join(folder, name), "x");
    }
    for (
      const [target, name] of [
        ["b.csv", "logs/a link that sorts before its file.csv"],
        ["../e.csv", "logs/e.csv"],
        ["../e.csv", "logs/e again.csv"],
        ["../elsewhere", "logs/linked"],
        ["..", "logs/deep/up"],
        ["deep", "logs/deeper"],
      ]
    ) {
      await Deno.symlink(target!, join(folder, name!));
    }
    const fifo = await run("mkfifo", [join(folder, "logs/fifo")]);
    assert.equal(fifo.code, 0, fifo.stderr);
    const { paths, said } = await expanded(folder, "logs");
    assert.deepEqual(paths, [
      "logs/b.csv",
      "logs/deep/c.csv",
      "logs/e again.csv",
      "logs/linked/d.csv",
    ]);
    assert.equal(said, "");
  }));

Deno.test("a folder that one run left is one input: of W&B, MLflow or checkpoints", () =>
  withFolder(async (folder) => {
    for (
      const name of [
        "logs/wandb/run-1-a/run-a.wandb",
        "logs/wandb/run-1-a/files/output.log",
        "logs/mlruns/0/r1/meta.yaml",
        "logs/mlruns/0/r1/metrics/actor/entropy",
        "logs/trl/checkpoint-5/trainer_state.json",
        "logs/trl/checkpoint-10/trainer_state.json",
        "logs/trl/logging.jsonl",
        "logs/trl/notes.csv",
      ]
    ) {
      await Deno.mkdir(join(folder, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, name), "x");
    }
    const { paths } = await expanded(folder, "logs");
    assert.deepEqual(paths, [
      "logs/mlruns/0/r1",
      "logs/trl",
      "logs/trl/notes.csv",
      "logs/wandb/run-1-a",
    ]);
  }));

Deno.test("what cannot be read in a folder is left out, counted and named", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "logs"));
    await Deno.writeTextFile(join(folder, "logs/good.csv"), "x");
    await Deno.symlink("nowhere", join(folder, "logs/dangling\n.csv"));
    assert.equal(
      (await expanded(folder, "logs")).said,
      "1 entry of the folders cannot be read: /logs/dangling\\n.csv.",
    );
    for (const name of ["1", "2", "3"]) await Deno.symlink(name, join(folder, "logs", name));
    const { paths, said } = await expanded(folder, "logs");
    assert.deepEqual(paths, ["logs/good.csv"]);
    assert.equal(
      said,
      "4 entries of the folders cannot be read: /logs/1, /logs/2, /logs/3 and 1 more.",
    );
  }));

Deno.test("a folder of event files is one log, however it is written", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "events.out.tfevents.1700000001.host.1.0"), "x");
    for (
      const name of [
        folder,
        `${folder}/`,
        `${folder}/.`,
        `${folder}/../${folder.split("/").at(-1)}`,
      ]
    ) {
      assert.deepEqual(await expandInputs([name]), [{ path: name, named: false }]);
    }
  }));

Deno.test("a glob stands for files and folders, the files once", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "logs"));
    for (const name of ["logs/a.csv", "b.csv"]) await Deno.writeTextFile(join(folder, name), "x");
    await Deno.symlink("b.csv", join(folder, "latest.csv"));
    assert.deepEqual((await expanded(folder, "*")).paths, ["b.csv", "logs/a.csv"]);
  }));

Deno.test("a folder or glob of more than 10 000 entries is refused in a sentence, at once", () =>
  withFolder(async (folder) => {
    for (let i = 0; i < 10_001; i++) Deno.writeTextFileSync(join(folder, String(i)), "");
    for (const name of [folder, `${folder}/*`]) {
      await assert.rejects(
        () => expandInputs([name]),
        (error) =>
          error instanceof ReadError &&
          /stands for more than 10000 files and folders; name the logs/.test(error.message),
      );
    }
    for (const pattern of ["{a,b}".repeat(40), "{1..1000000000}"]) {
      await assert.rejects(() => expandInputs([pattern]), /more than 10000 names, expected fewer/);
    }
  }));

Deno.test("- is standard input and no file", () =>
  withFolder(async (folder) => {
    const before = Deno.cwd();
    Deno.chdir(folder);
    try {
      await Deno.mkdir("-");
      assert.deepEqual(await expandInputs(["-", "-"]), [{ path: "-", named: true }]);
    } finally {
      Deno.chdir(before);
    }
  }));
