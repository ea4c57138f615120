/**
 * The keys that frameworks log, by version, each with where it was read: what they are taken for. A
 * snapshot is a commit of the framework; the sources are in shared/research/peers.md.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { companionOf } from "../../../analysis/readers/companions.ts";
import type { CompanionName } from "../../../analysis/readers/companion_keys.ts";
import { readRun } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { withFolder } from "../../support.ts";

/** What one version of a framework logs. */
interface Logged {
  /** Who, and which version or commit. */
  version: string;
  /** Where the keys were read. */
  source: string;
  framework: Run["framework"];
  /** The key of the entropy, and when it is measured: undefined where the keys do not tell. */
  entropy: readonly [key: string, measured: "before" | "during" | undefined];
  /** The default score; of peers all. */
  score: readonly string[];
  kind?: "validation" | "training";
  /** Other keys that are logged beside, none of which may be chosen. */
  others?: readonly string[];
  companions?: Partial<Record<CompanionName, string>>;
}

const VERL_TRAINING = {
  "clip fraction": "actor/pg_clipfrac",
  "KL to the rollout policy": "actor/ppo_kl",
  "gradient norm": "actor/grad_norm",
  "response length": "response_length/mean",
  "truncated responses": "response_length/clip_ratio",
} as const;

const TABLE: readonly Logged[] = [
  {
    version: "verl to v0.3.0 (April 2025)",
    source: "verl#623, #1100",
    framework: "verl",
    entropy: ["actor/entropy_loss", "during"],
    score: ["val/test_score/openai/gsm8k"],
    others: ["critic/score/mean", "critic/rewards/mean"],
    companions: VERL_TRAINING,
  },
  {
    version: "verl v0.4.0 (April to June 2025)",
    source: "verl#1100 to #1943",
    framework: "verl",
    entropy: ["actor/entropy_loss", "before"],
    score: ["val-core/openai/gsm8k/acc/mean@1"],
    others: ["critic/score/mean", "val-aux/openai/gsm8k/score/mean@1", "actor/pg_clipfrac_lower"],
    companions: VERL_TRAINING,
  },
  {
    version: "verl v0.4.1 to v0.7",
    source: "verl#1943, #2929",
    framework: "verl",
    entropy: ["actor/entropy", "before"],
    score: ["val-core/aime/acc/mean@16"],
    others: [
      "val-core/aime/acc/best@16/mean",
      "val-core/aime/acc/maj@16/mean",
      "val-aux/aime/score/mean@16",
      "critic/score/mean",
      "response_length_non_aborted/mean",
    ],
    companions: { ...VERL_TRAINING, "training score": "critic/score/mean" },
  },
  {
    version: "verl v0.8.0 on (April 2026)",
    source: "verl#6067",
    framework: "verl",
    entropy: ["actor/entropy", "before"],
    score: ["val-core/aime/acc/mean@16"],
    others: ["actor/entropy_loss", "critic/score/mean", "training/rollout_probs_diff_mean"],
    companions: { "train/inference mismatch": "rollout_corr/kl" },
  },
  {
    version: "the paper's fork of verl, 8850579",
    source: "peers.md, section 1",
    framework: "verl",
    entropy: ["train_entropy/all", "before"],
    score: ["val/test_score/aime", "val/test_score/math"],
    others: ["train_entropy/math", "actor/entropy_loss", "critic/score/mean"],
    companions: VERL_TRAINING,
  },
  {
    version: "verl-agent",
    source: "its overall success beside its subtasks",
    framework: "verl",
    entropy: ["actor/entropy_loss", undefined],
    score: ["val/success_rate"],
    others: [
      "val/pick_and_place_success_rate",
      "val/look_at_obj_in_light_success_rate",
      "val/text/test_score",
      "episode/success_rate",
      "episode/pick_and_place_success_rate",
      "actor/pg_clipfrac",
    ],
    companions: { "clip fraction": "actor/pg_clipfrac" },
  },
  {
    version: "EasyR1",
    source: "its reward manager's terms",
    framework: "verl",
    entropy: ["actor/entropy_loss", undefined],
    score: ["val/accuracy_reward"],
    others: ["val/format_reward", "val/overall_reward", "val/reward_score", "actor/pg_loss"],
  },
  {
    version: "TRL 1.9.0, f2cd57710, in W&B",
    source: "trl/trainer/grpo_trainer.py",
    framework: "trl",
    entropy: ["train/entropy", "during"],
    score: ["eval/reward"],
    others: [
      "eval/rewards/accuracy_reward/mean",
      "eval/rewards/format_reward/mean",
      "eval/entropy",
      "train/reward",
      "train/rewards/accuracy_reward/mean",
    ],
    companions: {
      "groups without signal": "train/frac_reward_zero_std",
      "response length": "train/completions/mean_length",
      "truncated responses": "train/completions/clipped_ratio",
      "clip fraction": "train/clip_ratio/region_mean",
      "gradient norm": "train/grad_norm",
      "KL to the reference": "train/kl",
    },
  },
  {
    version: "TRL 1.9.0, CISPO",
    source: "trl/trainer/grpo_trainer.py",
    framework: "trl",
    entropy: ["entropy", "during"],
    score: ["reward"],
    kind: "training",
    others: ["rewards/accuracy_reward/mean", "rewards/format_reward/mean"],
    companions: {
      "clip fraction": "cispo_clip_ratio",
      "response length": "completions/mean_length",
      "groups without signal": "frac_reward_zero_std",
    },
  },
  {
    version: "ms-swift 4.5.2, 3602360a5, in W&B",
    source: "swift/trainers/rlhf_trainer/grpo_trainer.py",
    framework: "ms-swift",
    entropy: ["train/entropy/mean", "during"],
    score: ["train/reward"],
    kind: "training",
    others: ["train/entropy/max", "train/entropy/min", "train/rewards/MathAccuracy/mean"],
    companions: { "response length": "train/completions/mean_length" },
  },
  {
    version: "ms-swift 4.5.2, Megatron",
    source: "peers.md, section 3",
    framework: "ms-swift",
    entropy: ["entropy/entropy_mean", "during"],
    score: ["eval_reward"],
    others: ["reward", "completions/mean_length"],
    companions: { "response length": "completions/mean_length" },
  },
  {
    version: "SkyRL, a9564572e",
    source: "skyrl/backends/skyrl_train/utils/ppo_utils.py",
    framework: "skyrl",
    entropy: ["policy/policy_entropy", "during"],
    score: ["eval/all/avg_score"],
    others: [
      "eval/gsm8k/avg_score",
      "eval/math/avg_score",
      "eval/all/pass_at_8",
      "eval/gsm8k/pass_at_8",
      "reward/avg_pass_at_8",
      "reward/avg_raw_reward",
    ],
    companions: {
      "clip fraction": "policy/loss_metrics/clip_ratio",
      "gradient norm": "policy/grad_norm",
      "KL to the rollout policy": "loss/avg_kl",
      "response length": "generate/avg_num_tokens",
    },
  },
  {
    version: "SkyRL, one response each in an evaluation",
    source: "peers.md, section 3",
    framework: "skyrl",
    entropy: ["policy/policy_entropy", "during"],
    score: ["eval/all/pass_at_1"],
    others: ["eval/all/avg_score", "eval/gsm8k/avg_score", "eval/gsm8k/pass_at_1"],
    companions: { "response length": "policy/response_length" },
  },
  {
    version: "OpenRLHF 0.11.0, 3c3be623",
    source: "openrlhf/trainer/ppo_trainer.py",
    framework: "openrlhf",
    entropy: ["train/entropy_loss", "during"],
    score: ["eval/eval_aime_pass1", "eval/eval_math_pass1"],
    others: ["eval/eval_aime_pass8", "eval/eval_math_pass8", "train/reward", "train/policy_loss"],
    companions: { "truncated responses": "train/truncated" },
  },
  {
    version: "OpenRLHF 0.11.0, without W&B's groups",
    source: "openrlhf/trainer/ppo_trainer.py",
    framework: "openrlhf",
    entropy: ["entropy_loss", "during"],
    score: ["eval_math_pass1"],
    others: ["eval_math_pass4", "eval/eval_math_response_length_mean"],
    companions: { "response length": "eval/eval_math_response_length_mean" },
  },
  {
    version: "OpenRLHF without an evaluation",
    source: "openrlhf/trainer/ppo_trainer.py",
    framework: "openrlhf",
    entropy: ["train/entropy_loss", "during"],
    score: ["train/reward"],
    kind: "training",
    companions: {
      "KL to the rollout policy": "train/ppo_kl",
      "response length": "train/response_length",
    },
  },
  {
    version: "a fork of verl (textcraft)",
    source: "shared/logs/verl-export-textcraft.csv",
    framework: "verl",
    entropy: ["actor/entropy", "before"],
    score: ["val-core/textcraft/acc/mean@1"],
    companions: {
      "truncated responses": "response_length_non_aborted/clip_ratio",
      "groups too hard": "group_reward_all_zero_rate",
    },
  },
  {
    version: "prime-rl, training only",
    source: "a user's log",
    framework: "prime-rl",
    entropy: ["entropy/all/mean", "during"],
    score: ["reward/all/mean"],
    kind: "training",
    others: ["reward/effective/mean"],
  },
  {
    version: "slime, without a rollout's length",
    source: "a user's log",
    framework: "slime",
    entropy: ["train/entropy_loss", "during"],
    score: ["eval/aime"],
    others: ["rollout/raw_reward"],
    companions: { "response length": "eval/aime/response_len/mean" },
  },
  {
    version: "a table with headings for people",
    source: "a user's log",
    framework: "unknown",
    entropy: ["policy_entropy", undefined],
    score: ["reward"],
    kind: "training",
    companions: { "KL to the reference": "KL Divergence" },
  },
  {
    version: "slime, 624b824a8, --use-rollout-entropy",
    source: "slime/backends, slime/ray/rollout.py",
    framework: "slime",
    entropy: ["rollout/entropy", "before"],
    score: ["eval/aime"],
    others: [
      "eval/aime-pass@8",
      "eval/aime-truncated_ratio",
      "train/entropy_loss",
      "rollout/raw_reward",
    ],
    companions: {
      "truncated responses": "eval/aime-truncated_ratio",
      "groups too hard": "rollout/zero_std/count_0",
      "groups too easy": "rollout/zero_std/count_1",
    },
  },
  {
    version: "ROLL 0.3.0, 8eb27cc2",
    source: "roll/pipeline/rlvr/actor_pg_worker.py",
    framework: "roll",
    entropy: ["critic/entropy/mean", "before"],
    score: ["val_correct/all/mean"],
    others: ["val_correct/math/mean", "critic/score/mean", "critic/correct/mean"],
    companions: {
      "clip fraction": "actor/ppo_ratio_clipfrac@sum",
      "KL to the rollout policy": "actor/approxkl",
      "response length": "token/response_length/mean",
    },
  },
  {
    version: "ROLL 0.3.0, agentic",
    source: "peers.md, section 1",
    framework: "roll",
    entropy: ["critic/entropy/mean", "before"],
    score: ["val/score/mean"],
    others: ["critic/score/mean"],
  },
  {
    version: "NeMo-RL 0.7.0, 7ea279abf",
    source: "nemo_rl/algorithms/loss_functions.py l. 710",
    framework: "nemo-rl",
    entropy: ["train/approx_entropy", "during"],
    score: ["validation/accuracy"],
    others: ["train/reward", "validation/avg_length", "train/probs_ratio_clamped"],
    companions: {
      "response length": "train/mean_gen_tokens_per_sample",
      "truncated responses": "train/truncation_rate",
      "KL to the reference": "train/kl_penalty",
      "train/inference mismatch": "train/gen_kl_error",
    },
  },
  {
    version: "prime-rl, 559b44772",
    source: "peers.md, sections 1 and 3",
    framework: "prime-rl",
    entropy: ["entropy/all/mean", "during"],
    score: ["eval/math/all/agent/avg@8"],
    others: [
      "entropy/math/mean",
      "eval/math/effective/agent/avg@8",
      "eval/math/all/agent/pass@8",
      "train/all/reward/mean",
      "kl_ent_ratio/mean",
    ],
    companions: {
      "clip fraction": "is_masked/all/mean",
      "response length": "train/effective/agent/num_output_tokens/mean",
      "truncated responses": "train/effective/agent/is_truncated/mean",
      "groups too hard": "train/effective/agent/solved_none",
      "groups too easy": "train/effective/agent/solved_all",
    },
  },
  {
    version: "AReaL 1.0.4, 4aef98d8d",
    source: "peers.md, section 3",
    framework: "areal",
    entropy: ["ppo_actor/update/entropy/avg", "during"],
    score: ["eval-rollout/reward"],
    others: ["ppo_actor/task_reward/avg"],
    companions: {
      "clip fraction": "ppo_actor/update/clip_ratio/avg",
      "KL to the rollout policy": "ppo_actor/update/approx_kl/avg",
      "gradient norm": "ppo_actor/update/grad_norm",
      "response length": "ppo_actor/seq_len/avg",
      "truncated responses": "ppo_actor/no_eos_ratios/avg",
    },
  },
  {
    version: "open-instruct, e6c3044aa",
    source: "open_instruct/grpo_fast.py",
    framework: "open-instruct",
    entropy: ["policy/entropy_avg", "during"],
    score: ["eval/objective/verifiable_correct_rate"],
    others: ["eval/scores", "objective/verifiable_correct_rate", "scores"],
    companions: {
      "clip fraction": "policy/clipfrac_avg",
      "KL to the reference": "loss/kl_avg",
      "response length": "val/sequence_lengths",
    },
  },
  {
    version: "open-instruct, training only",
    source: "open_instruct/grpo_fast.py",
    framework: "open-instruct",
    entropy: ["policy/entropy_avg", "during"],
    score: ["objective/verifiable_correct_rate"],
    kind: "training",
    others: ["scores", "objective/kl3_avg", "val/stop_rate"],
    companions: { "KL to the reference": "objective/kl3_avg" },
  },
  {
    version: "tinker-cookbook 0.5.5, 9dfcc3a2",
    source: "tinker_cookbook/rl",
    framework: "tinker",
    entropy: ["optim/entropy", "before"],
    score: ["test/env/all/correct"],
    others: ["test/env/all/reward/total", "env/all/reward/total", "env/all/correct"],
    companions: {
      "groups too easy": "env/all/by_group/frac_all_good",
      "train/inference mismatch": "optim/kl_sample_train_v1",
    },
  },
  {
    version: "tinker-cookbook with rubrics",
    source: "shared/logs/tinker-metrics.jsonl",
    framework: "tinker",
    entropy: ["optim/entropy", "before"],
    score: ["test/env/all/pass_rate"],
    others: ["test/env/all/reward/total", "env/all/reward/total", "env/all/pass_rate"],
  },
  {
    version: "torchtitan, PR #3848",
    source: "peers.md, section 1",
    framework: "torchtitan",
    entropy: ["trainer/entropy/mean", "during"],
    score: ["rollout/reward/mean"],
    kind: "training",
  },
];

const STEPS = 8;

for (const logged of TABLE) {
  const { version, source, framework, entropy, score, others = [], companions = {} } = logged;
  Deno.test(`${version}: its keys are known (${source})`, () =>
    withFolder(async (folder) => {
      const keys = [entropy[0], ...score, ...others, ...Object.values(companions)];
      // Each key has values of its own, so that none is a second name of another.
      const rows = Array.from({ length: STEPS }, (_, step) => ({
        step,
        ...Object.fromEntries(keys.map((key, i) => [key, 0.1 + step / 20 + i / 1000])),
      }));
      const path = join(folder, "log.jsonl");
      await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
      const run = await readRun(path);
      assert.equal(run.framework, framework);
      assert.equal(run.entropy!.key, entropy[0]);
      const measured = entropy[1] === undefined ? "unknown" : `${entropy[1]} the update`;
      assert.equal(run.entropy!.measured, measured);
      assert.equal(run.entropy!.foundBy, "name");
      assert.deepEqual([...run.score!.keys].sort(), [...score].sort());
      assert.equal(run.score!.kind, logged.kind ?? "validation");
      for (const [name, key] of Object.entries(companions)) {
        assert.equal(companionOf(run, name as CompanionName)?.key, key, name);
      }
      assert.deepEqual(run.unrecognised, []);
    }));
}

Deno.test("a renamed key is known by its ending, then by its words, and that is said", () =>
  withFolder(async (folder) => {
    const cases: [key: string, foundBy: string][] = [
      ["agent0/actor/entropy", "ending"],
      ["math/critic/entropy/mean", "ending"],
      ["actor.policy_entropy_per_token", "words"],
      ["rl/token_entropy", "words"],
    ];
    for (const [key, foundBy] of cases) {
      const path = join(folder, "log.csv");
      await Deno.writeTextFile(
        path,
        `step,${key},my/eval_success,eval_entropy,entropy_coef\n1,0.5,0.1,9,9\n`,
      );
      const run = await readRun(path);
      assert.equal(run.entropy?.key, key);
      assert.equal(run.entropy!.foundBy, foundBy);
      assert.equal(run.score!.keys[0], "my/eval_success");
      assert.match(run.notes.join("\n"), new RegExp(`is taken for the entropy by its ${foundBy}`));
      assert.match(run.notes.join("\n"), /name another with --score-key/);
    }
  }));

Deno.test("keys that look useful and are not known are listed, spreads and settings are not", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.csv");
    const keys = [
      "actor/entropy",
      "my_kl",
      "x/reward_std",
      "lr",
      "kl_coef",
      "cot_length",
      "head_entropy_top",
    ];
    await Deno.writeTextFile(path, `step,${keys.join(",")}\n1${",0.5".repeat(keys.length)}\n`);
    assert.deepEqual((await readRun(path)).unrecognised, [
      { key: "my_kl", looksLike: "KL" },
      { key: "cot_length", looksLike: "response length" },
      { key: "head_entropy_top", looksLike: "entropy" },
    ]);
  }));

Deno.test("a key that is used by its words is none that was not understood", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.csv");
    await Deno.writeTextFile(
      path,
      "step,entropy,reward,seq_len/all/mean,train/truncated_share,cot_length,completions/mean_terminated_length\n" +
        "1,0.5,0.5,300,0.1,200,250\n",
    );
    const run = await readRun(path);
    assert.equal(companionOf(run, "response length")?.key, "seq_len/all/mean");
    assert.equal(companionOf(run, "truncated responses")?.key, "train/truncated_share");
    assert.deepEqual(run.unrecognised, [{ key: "cot_length", looksLike: "response length" }]);
    const validated = ["a", "b"].map((set) => `val-aux/${set}/response_length/mean@8`);
    await Deno.writeTextFile(path, `step,entropy,reward,${validated.join(",")}\n1,1,1,9,8\n`);
    const verl = await readRun(path);
    assert.equal(companionOf(verl, "response length")?.key, validated[0]);
    assert.deepEqual(verl.unrecognised, []);
  }));

Deno.test("the clip fraction is the sum of what the two bounds clip, where only they are logged", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.csv");
    const parts = "clip_ratio/low_mean,clip_ratio/high_mean";
    await Deno.writeTextFile(path, `step,entropy,reward,${parts}\n1,0.5,0.5,0.25,0.125\n`);
    const clipped = companionOf(await readRun(path), "clip fraction")!;
    assert.equal(clipped.key, parts.replace(",", " + "));
    assert.deepEqual(Array.from(clipped.series.values), [0.375]);
    await Deno.writeTextFile(path, "step,entropy,reward,clip_ratio/low_mean\n1,0.5,0.5,0.25\n");
    assert.equal(companionOf(await readRun(path), "clip fraction"), undefined);
  }));

Deno.test("one score under two names is one, and is not averaged with itself or with others", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    const rows = Array.from({ length: STEPS }, (_, step) => ({
      step,
      "actor/entropy": 1 - step / 10,
      "eval/math/acc": step / 10,
      "eval/MATH-500/acc": step / 10,
      "eval/aime/acc": step / 40,
      // Equal because nothing is solved yet: that says nothing of the names.
      "eval/hard/acc": 0,
      "eval/harder/acc": 0,
    }));
    await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
    const run = await readRun(path);
    assert.deepEqual(run.score!.keys, [
      "eval/math/acc",
      "eval/aime/acc",
      "eval/hard/acc",
      "eval/harder/acc",
    ]);
    assert.equal(run.choices.score!.because, "the mean over 4 benchmarks that are peers");
    assert.deepEqual(run.choices.score!.runnersUp, [
      { keys: ["eval/MATH-500/acc"], count: STEPS, because: "the same values as eval/math/acc" },
    ]);
  }));

Deno.test("the reward and the score of one benchmark are one benchmark", () =>
  withFolder(async (folder) => {
    for (const prefix of ["val-aux", "val", "eval"]) {
      const path = join(folder, "log.jsonl");
      const rows = Array.from({ length: STEPS }, (_, step) => ({
        step,
        entropy: 1 - step / 10,
        [`${prefix}/aime/reward/mean@16`]: step / 10,
        [`${prefix}/aime/score/mean@16`]: step / 20,
        [`${prefix}/aime/reward/maj@16/mean`]: step / 5,
      }));
      await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
      assert.equal((await readRun(path)).score!.keys.length, 1, prefix);
    }
  }));

Deno.test("a benchmark's own parts are left out of the mean over benchmarks", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    const keys = ["val/math/algebra/acc", "val/math/acc", "val/math/geometry/acc", "val/code/acc"];
    const rows = Array.from({ length: STEPS }, (_, step) => ({
      step,
      entropy: 1 - step / 10,
      ...Object.fromEntries(keys.map((key, i) => [key, (step + i) / 20])),
    }));
    await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
    const run = await readRun(path);
    assert.deepEqual(run.score!.keys, ["val/math/acc", "val/code/acc"]);
    assert.deepEqual(
      run.choices.score!.runnersUp.map(({ because }) => because),
      ["a part of val/math/acc", "a part of val/math/acc"],
    );
  }));
