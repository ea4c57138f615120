/** The traps, each from the keys and settings that show it. */
import assert from "node:assert/strict";
import type { Finding } from "../../analysis/finding.ts";
import type { Framework, Run } from "../../analysis/readers/run.ts";
import type { Series } from "../../analysis/readers/series.ts";
import { verlEntropy } from "../../analysis/readers/verl_entropy.ts";
import { findTraps } from "../../analysis/traps.ts";

/** A run with an entropy under a key, other keys that are 0 throughout, and a configuration. */
function runOf(
  framework: Framework,
  key: string | undefined,
  options: { keys?: string[]; config?: Record<string, unknown> } = {},
): Run {
  const steps = Float64Array.from({ length: 12 }, (_, i) => i);
  const entropy: Series = { steps, values: steps.map((i) => 0.5 - 0.02 * i) };
  const zero: Series = { steps, values: steps.map(() => 0) };
  const keys = [...(key === undefined ? [] : [key]), ...(options.keys ?? [])];
  const meaning = framework === "verl" && key !== undefined
    ? verlEntropy(key, { keys, config: options.config })
    : undefined;
  return {
    source: "log",
    name: "log",
    format: "jsonl",
    framework,
    steps: { first: 0, last: 11 },
    ...(key === undefined ? {} : {
      entropy: {
        key,
        definition: meaning?.definition ?? "",
        measured: meaning?.measured ?? "unknown",
        foundBy: "name",
        ...entropy,
      },
    }),
    choices: {},
    notFinite: new Map(),
    unrecognised: [],
    validationKeys: [],
    series: new Map(keys.map((name) => [name, name === key ? entropy : zero])),
    keys: new Map(keys.map((name) => [name, 12])),
    ...(options.config === undefined ? {} : { config: options.config }),
    malformed: { count: 0, examples: [] },
    notes: [],
  };
}

const severity = (found: Finding[], text: RegExp) =>
  found.find(({ finding }) => text.test(finding))?.severity;
const actor = (settings: Record<string, unknown>) => ({ actor_rollout_ref: { actor: settings } });

Deno.test("that no trap is known is said of a framework that was recognised, and of no other", () => {
  const [known] = findTraps(runOf("slime", "rollout/entropy"));
  assert.deepEqual([known!.severity, known!.finding], ["fine", "none known for these keys."]);
  const [unknown] = findTraps(runOf("unknown", "entropy"));
  assert.equal(unknown!.severity, "unknown");
  assert.match(unknown!.finding, /^can't tell from this log/);
});

Deno.test("dynamic batches: verl 0.4.0 and no other, as far as the log tells", () => {
  const key = "actor/entropy_loss";
  const traps = (keys: string[], dynamic?: boolean) =>
    severity(
      findTraps(runOf("verl", key, {
        keys,
        ...(dynamic === undefined ? {} : { config: actor({ use_dynamic_bsz: dynamic }) }),
      })),
      /verl#1943/,
    );
  assert.equal(traps(["val-core/a/acc/mean@1"], true), "problem");
  assert.equal(traps(["val-core/a/acc/mean@1"], false), undefined);
  assert.equal(traps(["val-core/a/acc/mean@1"]), "unknown");
  assert.equal(traps([], true), "unknown");
  assert.equal(traps(["val/test_score/a"], true), undefined);
  assert.equal(traps(["response_length_non_aborted/mean"], true), undefined);
  const named = (keys: string[]) =>
    severity(
      findTraps(runOf("verl", "actor/entropy", {
        keys,
        config: actor({ use_dynamic_bsz: true }),
      })),
      /verl#1943/,
    );
  assert.equal(named(["val-core/a/acc/mean@1"]), undefined);
  // A fork: the new name beside keys that are older than it.
  assert.equal(named(["val/test_score/a"]), "unknown");
});

Deno.test("the update's entropy: on rank 0 until October 2025, overwriting in 0.7, can't tell without signs", () => {
  const during = /averaged over the update/;
  const [early] = findTraps(runOf("verl", "actor/entropy_loss", { keys: ["val/test_score/a"] }));
  assert.match(early!.finding, during);
  assert.match(early!.finding, /rank 0/);
  const [late] = findTraps(runOf("verl", "actor/entropy_loss", {
    keys: ["val-core/a/acc/mean@1", "rollout_corr/kl"],
  }));
  assert.match(late!.finding, during);
  assert.doesNotMatch(late!.finding, /rank 0/);
  assert.equal(
    severity(findTraps(runOf("verl", "actor/entropy_loss")), /can't tell .* rollout policy/),
    "unknown",
  );
  const overwritten = /overwr/;
  const of = (keys: string[], config?: Record<string, unknown>) =>
    severity(
      findTraps(runOf("verl", "actor/entropy", { keys, ...(config && { config }) })),
      overwritten,
    );
  assert.equal(of([], actor({ entropy_coeff: 0.1, calculate_entropy: false })), "notice");
  assert.equal(of([], actor({ entropy_coeff: 0, calculate_entropy: true })), "notice");
  assert.equal(of([], actor({ entropy_coeff: 0, calculate_entropy: false })), undefined);
  const whole = { entropy_coeff: 0.1, strategy: "fsdp", use_dynamic_bsz: false };
  assert.equal(of([], actor(whole)), undefined);
  assert.equal(of([], actor({ entropy_coeff: 0.1 })), "unknown");
  assert.equal(of(["actor/entropy_loss"], actor({ calculate_entropy: true })), undefined);
  assert.equal(of(["response_length_non_aborted/mean"]), "unknown");
});

Deno.test("verl: Megatron's entropy, and what the covariance losses make of PPO's keys", () => {
  const megatron = (keys: string[]) =>
    severity(
      findTraps(runOf("verl", "actor/entropy_loss", {
        keys,
        config: actor({ strategy: "megatron", use_dynamic_bsz: false }),
      })),
      /verl#1672/,
    );
  assert.equal(megatron(["val/test_score/a"]), "problem");
  assert.equal(megatron(["val-core/a/acc/mean@1"]), "unknown");
  assert.equal(megatron(["response_length_non_aborted/mean"]), undefined);
  const loss = (mode: string) =>
    findTraps(runOf("verl", "actor/entropy", {
      keys: ["val-core/a/acc/mean@1"],
      config: actor({
        entropy_coeff: 0,
        use_dynamic_bsz: true,
        ppo_max_token_len_per_gpu: 12_000,
        policy_loss: { loss_mode: mode },
      }),
    }));
  // ⌊0.0002 · 12 000⌋ = 2.
  assert.match(loss("clip_cov")[0]!.finding, /covariance, not PPO's .* 12000 tokens: 2 of them/);
  assert.match(loss("kl_cov")[0]!.finding, /mean of \|log-ratio\|/);
  assert.equal(loss("vanilla")[0]!.severity, "fine");
});

Deno.test("traps of other frameworks: dated, and can't tell where the log does not show the setting", () => {
  const openrlhf = (config?: Record<string, unknown>) =>
    findTraps(runOf("openrlhf", "train/entropy_loss", config && { config }))[0]!;
  assert.equal(openrlhf().severity, "unknown");
  assert.match(openrlhf({ rollout: { temperature: 0.6 } }).finding, /OpenRLHF#1319/);
  assert.equal(openrlhf({ rollout: { temperature: 1 } }).severity, "fine");
  const swift = (config?: Record<string, unknown>) =>
    findTraps(runOf("ms-swift", "entropy/mean", config && { config }))[0]!;
  assert.equal(swift().severity, "unknown");
  assert.match(swift({ max_turns: 4 }).finding, /ms-swift#7044/);
  assert.equal(swift({ top_entropy_quantile: 1 }).severity, "fine");
  const skyrl = (loss: string, keys: string[]) =>
    findTraps(runOf("skyrl", "policy/policy_entropy", {
      keys,
      config: { "trainer.algorithm.policy_loss_type": loss },
    }))[0]!;
  assert.equal(skyrl("clip_cov", ["policy/ppo_clip_ratio"]).severity, "problem");
  assert.equal(skyrl("clip_cov", []).severity, "unknown");
  assert.equal(skyrl("kl_cov", []).severity, "unknown");
  assert.equal(skyrl("regular", []).severity, "fine");
  const [silent] = findTraps(runOf("skyrl", "policy/policy_entropy"));
  assert.equal(silent!.severity, "unknown");
  assert.match(silent!.finding, /SkyRL#1296/);
  assert.match(findTraps(runOf("trl", "objective/entropy"))[0]!.finding, /trl#6121/);
  assert.match(findTraps(runOf("trl", "policy/entropy_avg"))[0]!.finding, /trl#6809/);
  assert.match(findTraps(runOf("trl", "entropy"))[0]!.finding, /trl#6380/);
  assert.match(findTraps(runOf("nemo-rl", "train/approx_entropy"))[0]!.finding, /sampled tokens/);
});
