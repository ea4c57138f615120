import type { Finding } from "./finding.ts";
import { companionOf } from "./readers/companions.ts";
import { normalKey } from "./readers/normal_key.ts";
import type { Framework, Run } from "./readers/run.ts";
import { numberOf, settingOf } from "./readers/setting.ts";
import { trap } from "./trap.ts";

/** How the metrics of frameworks other than verl mislead about entropy. */
export function frameworkTraps(run: Run): (Finding | undefined)[] {
  return TRAPS[run.framework]?.map((find) => find(run)) ?? [];
}

type FindTrap = (run: Run) => Finding | undefined;

const TRAPS: Partial<Record<Framework, readonly FindTrap[]>> = {
  trl: [trlRanks, trlPadding],
  "ms-swift": [swiftTurns],
  openrlhf: [openrlhfTemperature],
  skyrl: [skyrlCovariance],
  tinker: [sampledEstimate],
  "nemo-rl": [sampledEstimate],
};

/** Whether the entropy is one that PPO, RLOO or online DPO of TRL logs. */
function isOfTrlPpo({ entropy }: Run): boolean {
  return /^(?:objective\/entropy|policy\/entropy\/avg)$/.test(normalKey(entropy?.key ?? ""));
}

function trlRanks(run: Run): Finding | undefined {
  if (run.entropy === undefined || isOfTrlPpo(run)) return undefined;
  return trap(
    "notice",
    "before 1.9 (July 2026) TRL averaged the ranks' means of entropy, KL and clip ratios, whatever their numbers of tokens (trl#6380); the log does not tell the version.",
    run.entropy.key,
  );
}

function trlPadding(run: Run): Finding | undefined {
  if (!isOfTrlPpo(run)) return undefined;
  return trap(
    "problem",
    normalKey(run.entropy!.key) === "objective/entropy"
      ? "TRL's objective/entropy is minus the log-probs of the sampled tokens, summed over each response, not per token; before June 2026 each padded position took 1 from it (trl#2281, fixed by trl#6121)."
      : "TRL's policy/entropy_avg averages over padded positions, too (trl#6809).",
    run.entropy!.key,
  );
}

function swiftTurns(run: Run): Finding | undefined {
  if (run.entropy === undefined) return undefined;
  const turns = settingOf(run.config, "multi_turn_scheduler") ??
    settingOf(run.config, "max_turns");
  // A configuration without either has one turn.
  if (run.config !== undefined && (turns === undefined || turns === null)) return undefined;
  const story =
    "before December 2025 ms-swift's entropy of multi-turn rollouts was wrong (ms-swift#7044)";
  const told = turns === undefined ? undefined : `turns: ${turns}`;
  return ofSomeVersion(story, run.entropy.key, told);
}

function openrlhfTemperature(run: Run): Finding | undefined {
  if (run.entropy === undefined) return undefined;
  const temperature = numberOf(
    settingOf(run.config, "rollout.temperature") ?? settingOf(run.config, "temperature"),
  );
  if (temperature === 1) return undefined;
  const story =
    "before September 2026 OpenRLHF's entropy was that at temperature 1, whatever the rollout's temperature (OpenRLHF#1319; up to 1 nat off at 0.5)";
  const told = temperature === undefined ? undefined : `temperature ${temperature}`;
  return ofSomeVersion(story, run.entropy.key, told);
}

function skyrlCovariance(run: Run): Finding | undefined {
  const loss = settingOf(run.config, "trainer.algorithm.policy_loss_type");
  const evidence = `policy_loss_type=${loss}`;
  if (loss === "kl_cov") {
    return trap(
      "unknown",
      "can't tell from this log whether it is affected: since March 2026 SkyRL divides the advantages, but not KL-Cov's penalty, by the number of tokens, so the penalty is too strong by that number (SkyRL#1296).",
      evidence,
    );
  }
  if (loss === undefined) {
    return trap(
      "unknown",
      "can't tell from this log whether a covariance loss is on: since March 2026 SkyRL divides the advantages by the number of tokens before the loss, so Clip-Cov never acts and KL-Cov's penalty is too strong by that number (SkyRL#1296).",
      run.config === undefined
        ? "the log has no configuration"
        : "the configuration has no trainer.algorithm.policy_loss_type",
    );
  }
  if (loss !== "clip_cov") return undefined;
  const clipped = companionOf(run, "clip fraction");
  if (clipped?.series.values.some((value) => value !== 0)) return undefined;
  const story =
    "since March 2026 SkyRL divides the advantages by the number of tokens before the loss, so no covariance reaches clip_cov_lb (SkyRL#1296)";
  return clipped === undefined
    ? trap("unknown", `can't tell from this log whether Clip-Cov acts: ${story}.`, evidence)
    : trap(
      "problem",
      `Clip-Cov leaves no token out: ${story}.`,
      `${evidence}; ${clipped.key} is 0 in every step`,
    );
}

function sampledEstimate({ entropy }: Run): Finding | undefined {
  if (entropy === undefined) return undefined;
  return trap(
    "notice",
    "this entropy is estimated from the log-probs of the sampled tokens: noisier than that over the full vocabulary.",
    entropy.key,
  );
}

/** A trap of versions that the log does not tell apart; `told` is what it says of whether they matter to it. */
function ofSomeVersion(story: string, key: string, told: string | undefined): Finding {
  return told === undefined
    ? trap("unknown", `can't tell from this log whether it is affected: ${story}.`, key)
    : trap("notice", `${story}; the log does not tell the version.`, `${key}, ${told}`);
}
