import type { Finding } from "./finding.ts";
import { normalKey } from "./readers/normal_key.ts";
import type { Run } from "./readers/run.ts";
import { isOn, numberOf, settingOf } from "./readers/setting.ts";
import { overwritesEntropy } from "./readers/verl_entropy.ts";
import {
  describeHistory,
  isSince,
  type VerlHistory,
  verlHistory,
  type VerlLog,
} from "./readers/verl_history.ts";
import { trap } from "./trap.ts";

/** How verl's metrics mislead about entropy, by the version that the log shows. */
export function verlTraps(run: Run): (Finding | undefined)[] {
  const log: VerlLog = { keys: run.keys.keys(), config: run.config };
  const history = verlHistory(log);
  const key = normalKey(run.entropy?.key ?? "");
  return [
    key === "actor/entropy/loss" ? duringTrap(run, history) : undefined,
    dynamicBatchTrap(run, key, history),
    key === "actor/entropy" ? overwrittenTrap(log, history) : undefined,
    megatronTrap(run, history),
    aggregationTrap(run, history),
    covarianceLossTrap(run),
    onPolicyTrap(run),
    filteredTrap(run),
  ];
}

function actorSetting(run: Run, name: string): unknown {
  return settingOf(run.config, `actor_rollout_ref.actor.${name}`);
}

function duringTrap({ entropy }: Run, history: VerlHistory): Finding | undefined {
  if (entropy!.measured === "before the update") return undefined;
  if (entropy!.measured === "unknown") {
    return trap(
      "unknown",
      "can't tell from this log whether this entropy is of the rollout policy (verl 0.4.0) or averaged over the update, on rank 0 alone (until 0.3).",
      `${entropy!.key}; ${describeHistory(history)}`,
    );
  }
  return trap(
    "notice",
    isSince(history, "allRanks") === true
      ? "this entropy is averaged over the update, while the policy changes; micro-batches count alike whatever their tokens."
      : "this entropy is averaged over the update, while the policy changes; micro-batches count alike whatever their tokens, and only those of data-parallel rank 0 are logged (verl#602, #3699).",
    `${entropy!.key}; ${describeHistory(history)}`,
  );
}

/**
 * verl#1943: with dynamic batch sizes the entropies were not put back in order, so they met the masks of
 * other responses and came out too low (thunlp/JustRL#5: 0.6 instead of 1.0). The same pull request renamed
 * actor/entropy_loss to actor/entropy, so verl's own actor/entropy never has the fault.
 */
function dynamicBatchTrap(run: Run, key: string, history: VerlHistory): Finding | undefined {
  const { since, until } = history;
  // Keys of two ages show a fork, which may have the new name without the fix.
  const isFork = since !== undefined && until !== undefined && since.event.date >= until.event.date;
  const mayBe = key === "actor/entropy/loss"
    ? isSince(history, "entropyBefore") !== false && isSince(history, "entropyRenamed") !== true
    : key === "actor/entropy" && isFork && until.event.date <= "2025-06-11";
  if (!mayBe) return undefined;
  const dynamic =
    isOn(settingOf(run.config, "actor_rollout_ref.rollout.log_prob_use_dynamic_bsz")) ??
      isOn(actorSetting(run, "use_dynamic_bsz"));
  if (dynamic === false) return undefined;
  const story =
    "verl 0.4.0 logs too low an entropy with use_dynamic_bsz=True, because the values met the masks of other responses (fixed in 0.4.1 by verl#1943)";
  const isCertain = dynamic === true && isSince(history, "entropyBefore") === true;
  return isCertain
    ? trap(
      "problem",
      `${story}, and dynamic batches are on here.`,
      `use_dynamic_bsz=True in the configuration; ${describeHistory(history)}`,
    )
    : trap(
      "unknown",
      `can't tell from this log whether it is affected: ${story}.`,
      `${
        dynamic === undefined
          ? "no configuration that says whether dynamic batches are on"
          : "use_dynamic_bsz=True in the configuration"
      }; ${describeHistory(history)}`,
    );
}

function overwrittenTrap(log: VerlLog, history: VerlHistory): Finding | undefined {
  const isOverwritten = overwritesEntropy(log, history);
  if (isOverwritten === false) return undefined;
  const evidence = describeHistory(history);
  return isOverwritten === undefined
    ? trap(
      "unknown",
      `can't tell from this log whether the update's entropy overwrote that of the rollout policy, as it does in verl 0.7.0 and 0.7.1 with an entropy bonus or calculate_entropy on: the log has no configuration${
        log.config === undefined ? "" : " that tells the version"
      }.`,
      evidence,
    )
    : trap(
      "notice",
      "actor/entropy is overwritten by its mean over the update (verl 0.7.0 and 0.7.1 with an entropy bonus or calculate_entropy on), so H of a step is not of the rollout policy.",
      `entropy_coeff=${
        settingOf(log.config, "actor_rollout_ref.actor.entropy_coeff") ?? "not set"
      }, calculate_entropy=${
        settingOf(log.config, "actor_rollout_ref.actor.calculate_entropy") ?? "not set"
      }; ${evidence}`,
    );
}

function megatronTrap(run: Run, history: VerlHistory): Finding | undefined {
  const isSafe = isSince(history, "megatronEntropy");
  if (
    run.entropy === undefined || actorSetting(run, "strategy") !== "megatron" || isSafe === true
  ) {
    return undefined;
  }
  const story =
    "verl's Megatron actor before 24 May 2025 computed the entropy from logits that the log-probs had overwritten, so its values are wrong (verl#1672)";
  return isSafe === false ? trap("problem", `${story}.`, describeHistory(history)) : trap(
    "unknown",
    `can't tell from this log whether it is affected: ${story}.`,
    describeHistory(history),
  );
}

function aggregationTrap(run: Run, history: VerlHistory): Finding | undefined {
  const mode = actorSetting(run, "loss_agg_mode");
  if (typeof mode !== "string" || mode === "token-mean") return undefined;
  if (isSince(history, "entropyBefore") === false) return undefined;
  return trap(
    "notice",
    `the logged entropy is aggregated like the loss, by ${mode}: not a mean over tokens, so a and b do not compare with the paper's.`,
    `loss_agg_mode=${mode}`,
  );
}

/** What verl's covariance losses make of the keys that are named after PPO's, and of their own settings. */
function covarianceLossTrap(run: Run): Finding | undefined {
  const mode = actorSetting(run, "policy_loss.loss_mode");
  if (mode !== "clip_cov" && mode !== "kl_cov") return undefined;
  const share = numberOf(actorSetting(run, `policy_loss.${mode}_ratio`)) ?? 2e-4;
  const tokens = isOn(actorSetting(run, "use_dynamic_bsz")) === true
    ? numberOf(actorSetting(run, "ppo_max_token_len_per_gpu"))
    : undefined;
  const floor = tokens === undefined
    ? "the share is taken of each micro-batch and never of less than one token: of 5,000 tokens 0.0002 is one"
    : `the share ${share} is taken of each micro-batch, here at most ${tokens} tokens: ${
      Math.max(1, Math.floor(share * tokens))
    } of them`;
  return trap(
    "notice",
    mode === "clip_cov"
      ? `under Clip-Cov actor/pg_clipfrac is the share of tokens left out for their covariance, not PPO's clip fraction; ${floor}.`
      : `under KL-Cov actor/ppo_kl is the mean of |log-ratio|, not the signed KL, and no clip fraction is logged; ${floor}.`,
    `policy_loss.loss_mode=${mode}`,
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
