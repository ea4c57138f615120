/** `deno task pretrain` and `deno task train` as a user runs them, small. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readRun } from "../../../analysis/mod.ts";
import { ROOT, runTask, withFolder } from "../../support.ts";
import { SMALL, spawnTrain, withBase } from "./small_runs.ts";

/** What every step with something to learn from logs. */
const EVERY_STEP = [
  "actor/entropy",
  "train_entropy/all",
  "critic/score/mean",
  "response_length/mean",
  "response_length/clip_ratio",
  "covariance/mean",
  ...[0.0002, 0.002, 0.02, 0.2, 0.5].map((share) => `covariance/top-${share}`),
  "covariance/sequence",
  "covariance/sequence-advantage",
  "actor/pg_loss",
  "actor/pg_clipfrac",
  "actor/pg_clipfrac_lower",
  "actor/ppo_kl",
  "actor/grad_norm",
  "actor/lr",
  "actor/touched_tokens",
  "rollout/no_signal_groups",
  "rollout/tokens",
];

Deno.test("train: a run that is killed and resumed writes the log of one that was not", async () => {
  await withFolder(async (folder) => {
    // A base model whose answers differ, so that tokens are selected.
    const base = join(ROOT, "results/models/qwen2.5-0.5b.math");
    const args = ["--model", "qwen2.5-0.5b", "--base", base, "--steps", "7", ...SMALL];
    const clipCov = [...args, "--intervention", "clip-cov", "--set", "validateAllEvery=40"];
    const whole = join(folder, "whole");
    const { code, stdout, stderr } = await runTask("train", [...clipCov, "--out", whole], folder);
    assert.equal(code, 0, stderr);
    assert.equal(stdout.match(/^step \d\/7 /gm)?.length, 7, stdout);
    const name = "qwen2.5-0.5b.math.grpo.clip-cov.seed1.jsonl";
    const expected = await Deno.readTextFile(join(whole, name));

    const killed = join(folder, "killed");
    let kills = 0;
    for (let attempt = 0; attempt < 20; attempt++) {
      const process = spawnTrain([...clipCov, "--out", killed, "--resume"]);
      // Somewhere in the first, second or third step that it makes.
      let steps = 0;
      const { promise: ended, resolve } = Promise.withResolvers<void>();
      const read = async () => {
        for await (const chunk of process.stdout) {
          steps += new TextDecoder().decode(chunk).match(/^step /gm)?.length ?? 0;
          if (steps > attempt % 3) {
            await new Promise((wake) => setTimeout(wake, 17 * attempt));
            try {
              process.kill("SIGKILL");
            } catch {
              // It has ended.
            }
          }
        }
        resolve();
      };
      await Promise.all([read(), ended]);
      const { success } = await process.status;
      if (success) break;
      kills++;
    }
    assert(kills > 1, "the run was not killed");
    const { code: last, stderr: message } = await runTask(
      "train",
      [...clipCov, "--out", killed, "--resume"],
      folder,
    );
    assert.equal(last, 0, message);
    assert.equal(await Deno.readTextFile(join(killed, name)), expected);

    const run = await readRun(join(whole, name));
    assert.equal(run.entropy!.steps.length, 7);
    const steps = expected.trim().split("\n").slice(1).map((line) => JSON.parse(line));
    assert.deepEqual(steps.map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7]);
    for (const { data } of steps) {
      for (const key of EVERY_STEP) assert(Number.isFinite(data[key]), key);
    }
    assert(steps.some(({ data }) => data["actor/touched_tokens"] > 0));
    // At validations.
    assert.deepEqual(
      steps.filter(({ data }) => "actor/kl_loss" in data).map(({ step }) => step),
      [1, 7],
    );
    const validations = steps.map(({ data }) =>
      Object.keys(data).filter((key) => /^val-/.test(key))
    );
    // Everything first, later by the paper's protocol.
    assert.deepEqual(validations.map(({ length }) => length), [15, 0, 0, 0, 0, 0, 5]);
    assert(validations[0]!.includes("val-aux/t1/aime24/acc/mean@1"));
    assert(validations[6]!.includes("val-core/t0.6/aime24/acc/mean@1"));
  });
});

Deno.test("train: every intervention and algorithm runs", async () => {
  await withBase(async (folder, base) => {
    const args = ["--model", "qwen2.5-0.5b", "--base", base, "--steps", "2", ...SMALL];
    for (
      const options of [
        ["--algorithm", "rloo", "--intervention", "entropy-bonus"],
        ["--algorithm", "reinforce++", "--intervention", "reference-kl"],
        ["--intervention", "clip-higher"],
        ["--intervention", "clip-cov", "--definition", "paper"],
        ["--intervention", "kl-cov"],
        ["--intervention", "kl-cov", "--definition", "paper", "--seed", "2"],
        ["--algorithm", "prime"],
      ]
    ) {
      const { code, stderr } = await runTask(
        "train",
        [...args, ...options, "--out", folder],
        folder,
      );
      assert.equal(code, 0, `${options}: ${stderr}`);
    }
  });
});

Deno.test("play: every token of a response with its log-prob and entropy", async () => {
  const args = ["qwen2.5-7b", "3+4-2*5=", "--samples", "2"];
  const { code, stdout, stderr } = await runTask("play", args, ROOT);
  assert.equal(code, 0, stderr);
  const responses = stdout.trim().split("\n\n");
  assert.equal(responses.length, 2);
  for (const response of responses) {
    const [text, header, ...tokens] = response.split("\n");
    assert.match(text!, /^3\+4-2\*5=/);
    assert.match(header!, /token +ln π +entropy/);
    assert.equal(tokens.map((line) => line[2]).join(""), text!.slice("3+4-2*5=".length));
  }
});

Deno.test("train, pretrain and play: bad calls are one sentence", async () => {
  await withFolder(async (folder) => {
    const refused = async (task: string, args: string[], code: number, message: RegExp) => {
      const outcome = await runTask(task, args, folder);
      assert.equal(outcome.code, code, outcome.stderr);
      assert.match(outcome.stderr, message);
      assert.equal(outcome.stderr.trim().split("\n").length, 1, outcome.stderr);
    };
    await refused(
      "train",
      ["--model", "gpt-5"],
      1,
      /model is "gpt-5", expected one of qwen2.5-0.5b/,
    );
    await refused("train", ["--set", "speed=9"], 1, /there is no setting "speed", expected one of/);
    await refused("train", ["--set", "speed"], 1, /--set speed is no setting, expected key=value/);
    await refused("train", ["--task", "art"], 1, /task is "art", expected one of math, code\./);
    await refused(
      "train",
      ["--algorithm", "ppo"],
      1,
      /"ppo", expected one of grpo, rloo, reinforce/,
    );
    await refused("train", ["--intervention", "x"], 1, /"x", expected one of none, entropy-bonus/);
    await refused("train", ["--set", "steps=abc"], 1, /steps is "abc", expected a finite number/);
    await refused("train", ["--set", "steps=1.5"], 1, /steps is 1\.5, expected a whole number/);
    await refused("train", ["--set", "filterGroups=1"], 1, /is 1, expected true or false\./);
    await refused("train", ["--steps", "-3"], 1, /steps is -3, expected at least 1/);
    await refused(
      "train",
      ["--set", "learningRate=1e999"],
      1,
      /Rate is Infinity, expected a finite/,
    );
    await refused("train", ["--set", "minibatches=7"], 1, /is 7, expected a divisor of 64 prompts/);
    await refused(
      "train",
      ["--base", "nowhere"],
      1,
      /there is no checkpoint .*nowhere; deno task pretrain makes base models/,
    );
    await refused("train", ["--fast"], 2, /'--fast', expected one of --model, --task, .*--resume/);
    await refused("pretrain", ["gpt-5"], 1, /there is no model "gpt-5", expected one of/);
    await refused("pretrain", [], 2, /0 models were named, expected one/);
    await refused("pretrain", ["qwen2.5-7b", "--task", "art"], 1, /there is no task art/);
    await refused("play", ["qwen2.5-7b"], 2, /name a model and a prompt/);
    await refused("play", ["qwen2.5-7b", "3+x="], 1, /character 2 of the text is "x"/);
    await refused("play", ["nowhere", "3+4="], 1, /there is no checkpoint nowhere/);
    await refused("play", ["qwen2.5-7b", "3+4=", "--task", "art"], 1, /there is no task art/);
    await refused("play", ["qwen2.5-7b", "3+4=", "--samples", "0"], 2, /--samples is 0/);
  });
});
