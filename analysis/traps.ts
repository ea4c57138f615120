import type { Finding } from "./finding.ts";
import { LARGEST_VOCABULARY } from "./per_token.ts";
import { normalKey } from "./readers/keys.ts";
import type { Run } from "./readers/run.ts";

/**
 * Known ways in which a framework's metrics mislead about entropy, as far as they apply to this log. Each
 * names its evidence: the key or setting in the log, and the issue or pull request that describes it.
 */
export function findTraps(run: Run): Finding[] {
  const traps = [
    notPerToken(run),
    negative(run),
    ...(run.framework === "verl" ? verlTraps(run) : []),
    ...(run.framework === "trl" ? trlTraps(run) : []),
    ...(run.framework === "tinker" ? [sampledEstimate()] : []),
  ].filter((trap) => trap !== undefined);
  if (traps.length > 0) return traps;
  return [{
    topic: "metric traps",
    severity: "fine",
    finding: "none known for these keys.",
    evidence: `framework: ${run.framework}`,
  }];
}

function trap(severity: Finding["severity"], finding: string, evidence: string): Finding {
  return { topic: "metric trap", severity, finding, evidence };
}

function notPerToken({ entropy }: Run): Finding | undefined {
  const largest = entropy?.values.reduce((left, right) => Math.max(left, right), 0) ?? 0;
  if (largest <= Math.log(LARGEST_VOCABULARY)) return undefined;
  return trap(
    "problem",
    "the entropy is larger than any vocabulary allows per token: it is a sum over sequences (in verl, loss_agg_mode=seq-mean-token-sum aggregates the logged entropy too) or not an entropy.",
    `${entropy!.key} reaches ${Number(largest.toPrecision(3))}, ln(${LARGEST_VOCABULARY}) is ${
      Math.log(LARGEST_VOCABULARY).toFixed(1)
    }`,
  );
}

function negative({ entropy }: Run): Finding | undefined {
  const count = entropy?.values.filter((value) => value < 0).length ?? 0;
  if (count === 0) return undefined;
  return trap(
    "problem",
    "an exact entropy is never negative: this is an estimate, a loss with its sign, or broken.",
    `${entropy!.key} is negative in ${count} of ${entropy!.values.length} steps`,
  );
}

function verlTraps(run: Run): (Finding | undefined)[] {
  const key = normalKey(run.entropy?.key ?? "");
  return [
    key === "actor/entropy/loss"
      ? trap(
        "notice",
        "this entropy is averaged over the update, while the policy changes; micro-batches count alike whatever their tokens, and until October 2025 only those of data-parallel rank 0 were logged (verl#602, #3699).",
        run.entropy!.key,
      )
      : undefined,
    key === "actor/entropy" ? dynamicBatchTrap(run) : undefined,
    key === "actor/entropy" ? overwrittenTrap(run) : undefined,
    aggregationTrap(run),
    onPolicyTrap(run),
    filteredTrap(run),
  ];
}

/**
 * verl#1943 (June 2025): with dynamic batch sizes the entropies were not put back in order, so they met
 * the masks of other responses and came out too low (thunlp/JustRL#5: 0.6 instead of 1.0).
 */
function dynamicBatchTrap(run: Run): Finding | undefined {
  const dynamic = setting(run, "actor_rollout_ref.rollout.log_prob_use_dynamic_bsz") ??
    setting(run, "actor_rollout_ref.actor.use_dynamic_bsz");
  if (dynamic === false) return undefined;
  const recent = laterThanJune2025(run);
  const story =
    "verl from April to June 2025 (0.4.0 and forks of it) logs too low an entropy with use_dynamic_bsz=True, because the values met the masks of other responses (fixed by verl#1943)";
  if (recent !== undefined) return undefined;
  if (dynamic === true) {
    return trap(
      "problem",
      `${story}; dynamic batches are on here and nothing shows a later version.`,
      "use_dynamic_bsz=True in the configuration",
    );
  }
  return trap(
    "unknown",
    `can't tell from this log whether it is affected: ${story}.`,
    "no configuration in the log, and no key that only later versions have",
  );
}

/** The key or setting that shows a verl later than the fix of June 2025; undefined if none does. */
export function laterThanJune2025(run: Run): string | undefined {
  const keys = ["response_length_non_aborted/", "rollout_corr/", "training/rollout_actor_probs"];
  for (const key of run.keys.keys()) {
    const found = keys.find((start) => normalKey(key).startsWith(normalKey(start)));
    if (found !== undefined) return key;
  }
  const target = setting(run, "actor_rollout_ref.actor._target_");
  return target === undefined ? undefined : "actor_rollout_ref.actor._target_";
}

function overwrittenTrap(run: Run): Finding | undefined {
  const coefficient = setting(run, "actor_rollout_ref.actor.entropy_coeff");
  const calculated = setting(run, "actor_rollout_ref.actor.calculate_entropy");
  if (calculated !== true && !(typeof coefficient === "number" && coefficient !== 0)) {
    return undefined;
  }
  return trap(
    "notice",
    "actor/entropy is overwritten by its mean over the update when the entropy bonus or calculate_entropy is on, so H of a step is not of the rollout policy.",
    calculated === true ? "calculate_entropy=True" : `entropy_coeff=${coefficient}`,
  );
}

function aggregationTrap(run: Run): Finding | undefined {
  const mode = setting(run, "actor_rollout_ref.actor.loss_agg_mode");
  if (typeof mode !== "string" || mode === "token-mean") return undefined;
  return trap(
    "notice",
    `the logged entropy is aggregated like the loss, by ${mode}: not a mean over tokens, so a and b do not compare with the paper's.`,
    `loss_agg_mode=${mode}`,
  );
}

function onPolicyTrap(run: Run): Finding | undefined {
  const clipped = run.series.get("actor/pg_clipfrac");
  const moved = run.series.get("actor/ppo_kl");
  if (clipped === undefined || moved === undefined) return undefined;
  if (clipped.values.some((value) => value !== 0) || moved.values.some((value) => value !== 0)) {
    return undefined;
  }
  return trap(
    "notice",
    "clip fraction and KL are exactly 0 by construction: with one update per rollout the old log-probs are the current ones, so clip-higher has nothing to clip and KL-Cov's penalty no gradient; Clip-Cov still works.",
    "actor/pg_clipfrac and actor/ppo_kl are 0 in every step",
  );
}

function filteredTrap(run: Run): Finding | undefined {
  if (!run.keys.has("train/num_gen_batches")) return undefined;
  return trap(
    "notice",
    "groups without signal are filtered out before the metrics are taken, so training score, length and entropy are those of the filtered batch.",
    "train/num_gen_batches",
  );
}

function trlTraps(run: Run): Finding[] {
  if (run.entropy === undefined) {
    return [trap(
      "unknown",
      "TRL logs no entropy with the Liger loss, nor before July 2025 (trl#3700).",
      "no key entropy",
    )];
  }
  return [trap(
    "notice",
    "until July 2026 TRL averaged the ranks' means of entropy, KL and clip ratios, whatever their numbers of tokens (trl#6380).",
    run.entropy.key,
  )];
}

function sampledEstimate(): Finding {
  return trap(
    "notice",
    "tinker-cookbook's entropy is minus the mean log-prob of the sampled tokens: unbiased, but noisier than the full-vocabulary entropy.",
    "optim/entropy",
  );
}

/** A setting by its dotted name, from a nested configuration or one with dotted keys. */
function setting(run: Run, name: string): unknown {
  if (run.config === undefined) return undefined;
  let value: unknown = run.config;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null) return run.config[name];
    value = (value as Record<string, unknown>)[part];
  }
  return value ?? run.config[name];
}
