/** Runs of the lab that take seconds: a base model, settings, and processes that tests may kill. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT, runTask, withFolder } from "../../support.ts";

/** Settings of a small run. */
export const SMALL: readonly string[] = [
  "prompts=4",
  "group=4",
  "minibatches=2",
  "checkpointEvery=2",
  "learningRate=0.001",
  "clipCovRatio=0.05",
  "klCovRatio=0.05",
  "covarianceLow=0.01",
  "filterGroups=false",
  "validationSamples=1",
  "validateAllEvery=0",
].flatMap((setting) => ["--set", setting]);

/** Runs `body` with a new folder that has a base model in it. */
export async function withBase(
  body: (folder: string, base: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const models = join(folder, "base models");
    const { code, stdout, stderr } = await runTask(
      "pretrain",
      ["qwen2.5-0.5b", "--steps", "5", "--out", models],
      folder,
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /pretraining 5\/5 .*loss \d.*\n(?:val-(?:core|aux)\/.*\n){15}wrote /s);
    await body(folder, join(models, "qwen2.5-0.5b.math"));
  });
}

/** The command of `deno task train` itself, without the task's own process around it. */
export function trainCommand(args: readonly string[]): string[] {
  const script = join(ROOT, "commands/train.ts");
  return ["run", "--quiet", "--allow-all", "--config", join(ROOT, "deno.json"), script, ...args];
}

/** Begins a run that can be killed. */
export function spawnTrain(args: readonly string[], folder = Deno.cwd()): Deno.ChildProcess {
  const { INIT_CWD: _, ...env } = Deno.env.toObject();
  return new Deno.Command(Deno.execPath(), {
    args: trainCommand(args),
    cwd: folder,
    env,
    clearEnv: true,
    stdout: "piped",
    stderr: "null",
  }).spawn();
}
