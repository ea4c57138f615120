/** `deno task train` on a full disk, on a terminal, beside another process, and killed in a checkpoint. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readCheckpoint } from "../../../experiments/lab/checkpoint.ts";
import { run, runTask } from "../../support.ts";
import { SMALL, spawnTrain, trainCommand, withBase } from "./small_runs.ts";

/** Arguments of a run, and the names of its files. */
function small(base: string, algorithm: string, steps: number) {
  const id = `qwen2.5-0.5b.math.${algorithm}.none.seed1`;
  return {
    args: [
      ...["--model", "qwen2.5-0.5b", "--base", base, "--steps", String(steps), ...SMALL],
      ...["--algorithm", algorithm],
    ],
    log: `${id}.jsonl`,
    checkpoint: `${id}.checkpoint`,
  };
}

/** The steps of a log, which must be whole. */
async function stepsOf(path: string): Promise<number[]> {
  const text = await Deno.readTextFile(path);
  assert(text.endsWith("\n"));
  return text.trimEnd().split("\n").slice(1).map((line) => JSON.parse(line).step);
}

async function savedStep(folder: string): Promise<number> {
  return ((await readCheckpoint(folder)).trainer as { step: number }).step;
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

/** Reads what a run prints until it has printed `text`, and lets go of the rest. */
async function printed(process: Deno.ChildProcess, text: string): Promise<void> {
  const output = process.stdout.getReader();
  let all = "";
  while (!all.includes(text)) {
    const { value, done } = await output.read();
    assert(!done, all);
    all += new TextDecoder().decode(value);
  }
  await output.cancel();
}

Deno.test({
  name: "train: PRIME, killed while it writes checkpoints, goes on to the same log",
  // Elsewhere the changes of files are told in other ways.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await withBase(async (folder, base) => {
      const { args, log, checkpoint } = small(base, "prime", 3);
      args.push("--set", "checkpointEvery=1");
      const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
      const { code, stderr } = await runTask("train", [...args, "--out", whole], folder);
      assert.equal(code, 0, stderr);
      await Deno.mkdir(killed);
      const resume = [...args, "--out", killed, "--resume"];
      let kills = 0;
      // At the beginning: when the log is there but no checkpoint, when the reward model's is but the policy's
      // is not, when all checkpoints are there but the log has no line, and when it has its first. Later: while
      // the reward model is written, when it is but the policy is not, between the two renames of the policy's
      // folder, and while the reward model of the checkpoint before is removed.
      for (
        const [change, path] of [
          ["create", /\.jsonl$/],
          ["any", /reward-model-0$/],
          ["any", /checkpoint$/],
          ["modify", /\.jsonl$/],
          ["modify", /reward-model-\d\.writing\/model/],
          ["create", /checkpoint\.writing$/],
          ["any", /checkpoint\.previous$/],
          ["remove", /reward-model-\d\/\w+\.(safetensors|json)$/],
        ] as const
      ) {
        const process = spawnTrain(resume);
        const ended = process.status;
        const watcher = Deno.watchFs(killed);
        ended.then(() => watcher.close());
        for await (const { kind, paths } of watcher) {
          if (change !== "any" && change !== kind) continue;
          if (!paths.some((changed) => path.test(changed))) continue;
          try {
            process.kill("SIGKILL");
          } catch {
            // It has ended.
          }
          break;
        }
        await process.stdout.cancel();
        if ((await ended).success) break;
        kills++;
      }
      assert(kills > 5, `the run was killed ${kills} times`);
      const outcome = await runTask("train", resume, folder);
      assert.equal(outcome.code, 0, outcome.stderr);
      const read = (place: string) => Deno.readTextFile(join(place, log));
      assert.equal(await read(killed), await read(whole));
      assert.deepEqual(namesIn(killed), [checkpoint, `${checkpoint}.reward-model-3`, log]);
      assert.deepEqual(
        await readCheckpoint(join(killed, checkpoint)),
        await readCheckpoint(join(whole, checkpoint)),
      );
    });
  },
});

Deno.test("train: one writer, and a full disk leaves the log and the last checkpoint", async () => {
  if (Deno.build.os === "windows") return;
  await withBase(async (folder, base) => {
    const { args, log, checkpoint } = small(base, "grpo", 5);
    const [whole, full] = [join(folder, "whole"), join(folder, "full")];
    const { code, stderr } = await runTask("train", [...args, "--out", whole], folder);
    assert.equal(code, 0, stderr);

    const process = spawnTrain([...args, "--out", full]);
    await printed(process, "step 2/5");
    process.kill("SIGSTOP");
    for (const resume of [[], ["--resume"]]) {
      const second = await runTask("train", [...args, "--out", full, ...resume], folder);
      assert.equal(second.code, 1);
      assert.equal(
        second.stderr,
        `error: ${join(full, log)} is being written by another process.\n`,
      );
    }
    process.kill("SIGKILL");
    await process.status;
    assert.equal(await savedStep(join(full, checkpoint)), 2);

    // A limit on the size of files, in KiB, stands for the end of the disk.
    const resume = [...args, "--out", full, "--resume"];
    const limited = async (limit: number, message: RegExp, steps: number[]) => {
      const outcome = await run("bash", [
        ...["-c", `trap "" XFSZ; ulimit -f ${limit}; exec "$@"`, "bash", Deno.execPath()],
        ...trainCommand(resume),
      ], { cwd: folder });
      assert.equal(outcome.code, 1, outcome.stderr);
      assert.match(outcome.stderr, message);
      assert.equal(outcome.stderr.trim().split("\n").length, 1, outcome.stderr);
      assert.deepEqual(await stepsOf(join(full, log)), steps);
      assert.equal(await savedStep(join(full, checkpoint)), 2);
      assert.deepEqual(namesIn(full), [checkpoint, log]);
    };
    const lines = (await Deno.readTextFile(join(whole, log))).split("\n");
    const bytes = lines.slice(0, 3).join("\n").length + 1;
    await limited(
      8,
      /^error: step 4: the checkpoint .*checkpoint cannot be written: File too large/,
      [1, 2, 3, 4],
    );
    await limited(
      Math.ceil(bytes / 1024),
      /^error: step [34]: .*\.jsonl cannot be written: File too large/,
      [1, 2, 3].slice(0, Math.ceil(bytes / 1024) * 1024 >= bytes + lines[3]!.length + 1 ? 3 : 2),
    );
    const outcome = await runTask("train", resume, folder);
    assert.equal(outcome.code, 0, outcome.stderr);
    const read = (place: string) => Deno.readTextFile(join(place, log));
    assert.equal(await read(full), await read(whole));

    const finished = await runTask("train", resume, folder);
    assert.equal(finished.code, 0, finished.stderr);
    assert.equal(finished.stdout, `${join(full, log)} is finished: it has all 5 steps.\n`);
    assert.equal(await read(full), await read(whole));
    await Deno.writeTextFile(join(full, log), "my note", { append: true });
    const noted = await runTask("train", resume, folder);
    assert.equal(noted.code, 1);
    assert.match(
      noted.stderr,
      /^error: .*\.jsonl holds a line 7 that no run wrote, "my note", expected no more; the log is left as it is\.$/m,
    );
    assert.equal(await read(full), `${await read(whole)}my note`);

    const again = await runTask("train", [...args, "--out", full], folder);
    assert.match(
      again.stderr,
      /\.jsonl is there already, .*; --resume goes on with it, another --seed or --out begins another run\.$/m,
    );
    const other = await runTask("train", [...resume, "--set", "temperature=2"], folder);
    assert.match(
      other.stderr,
      /was begun with temperature 1, expected the same to resume it, not 2/,
    );
  });
});

Deno.test({
  name: "train: on a terminal one line is written over, cut to its width; Ctrl-C ends it cleanly",
  // The command `script` makes a terminal; that of other systems is called otherwise.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await withBase(async (folder, base) => {
      const { args, log } = small(base, "grpo", 500);
      const words = [Deno.execPath(), ...trainCommand([...args, "--out", join(folder, "out")])];
      const command = words.map((word) => `'${word}'`).join(" ");
      const process = new Deno.Command("script", {
        args: ["-qec", `stty cols 60; exec ${command}`, "/dev/null"],
        env: { NO_COLOR: "1" },
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const input = process.stdin.getWriter();
      let text = "";
      for await (const chunk of process.stdout) {
        const before = text.includes("step 3/500");
        text += new TextDecoder().decode(chunk);
        if (!before && text.includes("step 3/500")) {
          await input.write(new TextEncoder().encode("\x03"));
        }
      }
      await input.close();
      assert.equal((await process.status).code, 130);
      const [progress, last, ...rest] = text.split("\r\n");
      assert.equal(last, "stopped; the same command with --resume goes on with the run.");
      assert.deepEqual(rest, [""]);
      const lines = progress!.split("\r\x1b[K").slice(1).map((line) => line.replace("^C", ""));
      assert(lines.length >= 3);
      for (const line of lines) {
        assert.match(line, /^step \d\/500 {2}entropy \d.* {2}accuracy \d+\.\d % {2}\d+/);
        assert(line.length < 60, line);
      }
      const steps = await stepsOf(join(folder, "out", log));
      assert(steps.length >= 3 && steps.length < 500);
    });
  },
});
