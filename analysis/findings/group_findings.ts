import { equalRewards } from "../equal_rewards.ts";
import type { Finding } from "../finding.ts";
import { endedAt } from "../lost.ts";
import { companionOf } from "../readers/companions.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { numberOf, settingOf } from "../readers/setting.ts";
import { stepText } from "../step_text.ts";
import { FEWEST_RECENT, lastPart, medianOf, ofLate, RECENT } from "../trend.ts";
import { equalRewardsText, MEND_REWARD } from "./equal_rewards_text.ts";
import { CANNOT_TELL, percent, round } from "./words.ts";

/** From these shares on groups without signal are worth a word, and a problem. */
const [NOTICEABLE, MUCH] = [0.3, 0.5];
/** A mean score this near an end of its range makes most groups all right or all wrong. */
const [HARD, EASY] = [0.15, 0.85];

/** Where frameworks name the number of responses to one prompt. */
const GROUP_SIZES = [
  "actor_rollout_ref.rollout.n",
  "num_generations",
  "generator.n_samples_per_prompt",
  "n_samples_per_prompt",
  "rollout.n_samples_per_prompt",
  "num_samples_per_prompt_rollout",
  "grpo.num_generations_per_prompt",
  "num_return_sequences_in_group",
  "gconfig.n_samples",
  "group_size",
];

/** The share of groups without signal, whether they are too easy or too hard, and what to do. */
export function groupFinding(run: Run): Finding {
  const topic = "groups without signal";
  const half = oneEnd(run);
  if (half !== undefined) return { topic, ...half };
  const found = shareOf(run);
  const equal = found === undefined || found.isEstimate ? equalRewards(run) : undefined;
  if (equal !== undefined) {
    return {
      topic,
      severity: "problem",
      finding: `${
        equalRewardsText(equal)
      }, so that no group of these has a signal; ${MEND_REWARD}.`,
      evidence: equal.evidence,
    };
  }
  if (found === undefined) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: their share is not logged.`,
      evidence: `no key known for it among ${run.keys.size}`,
    };
  }
  const { share, most, isCount, evidence, isEstimate } = found;
  if (found.endsAt !== undefined) return { topic, ...untold(found.endsAt, run), evidence };
  if (most === 0) return { topic, severity: "fine", finding: "no group lacked signal.", evidence };
  // slime counts the groups.
  if (isCount) return { ...countedGroups(run, share), evidence };
  // Unequal prompts make it more (the estimate is convex in their difficulty), rewards in parts less.
  const about = isEstimate ? "by an estimate from the training score, at least " : "";
  if (share < NOTICEABLE) {
    return {
      topic,
      severity: "fine",
      finding: `${about}${percent(share)} of the groups lack signal of late.`,
      evidence,
    };
  }
  const cause = causeOf(run);
  return {
    topic,
    severity: share >= MUCH && !isEstimate ? "problem" : "notice",
    finding: `${about}${
      percent(share)
    } of the groups of late are all right or all wrong and teach nothing; ${cause.finding}`,
    evidence: [evidence, cause.evidence].filter((text) => text !== "").join("; "),
  };
}

/** What is said where the log has the share of groups that are all wrong or all right, and not of the others. */
function oneEnd(run: Run): Omit<Finding, "topic"> | undefined {
  const hard = companionOf(run, "groups too hard");
  const found = hard ?? companionOf(run, "groups too easy");
  if (found === undefined || companionOf(run, "groups without signal") !== undefined) {
    return undefined;
  }
  const { share, isCount, evidence, endsAt } = lately(found, run);
  if (endsAt !== undefined) return { ...untold(endsAt, run), evidence };
  if (isCount) return undefined;
  const [these, others, end] = hard === undefined
    ? ["right", "wrong", "easy"] as const
    : ["wrong", "right", "hard"] as const;
  return {
    severity: share >= MUCH ? "problem" : share >= NOTICEABLE ? "notice" : "fine",
    finding: `${
      percent(share)
    } of the groups of late are all ${these}; how many are all ${others} is not logged${
      share < NOTICEABLE ? "." : `; ${ADVICE[end]}`
    }`,
    evidence,
  };
}

/** What is said where nothing is known of the last quarter of the run. */
function untold(endsAt: number, run: Run): Pick<Finding, "severity" | "finding"> {
  return {
    severity: "unknown",
    finding: `${CANNOT_TELL}: their last share is that of step ${
      stepText(endsAt)
    }, the run's last step ${stepText(run.steps.last)}.`,
  };
}

/** What is said where the log has the number of groups and not their share. */
function countedGroups(run: Run, count: number): Omit<Finding, "evidence"> {
  return {
    topic: "groups without signal",
    severity: "notice",
    finding: `${
      round(count)
    } groups of a step lack signal of late, of how many the log does not say; ${
      causeOf(run).finding
    }`,
  };
}

/** A share of groups over the last quarter of a run. */
interface Share {
  readonly share: number;
  /** The largest share in the run. */
  readonly most: number;
  /** Whether it is no share but the number of groups. */
  readonly isCount: boolean;
  readonly evidence: string;
  /** The step of the last value, where nothing is known of the last quarter. */
  readonly endsAt: number | undefined;
  /** Whether it is computed from the training score. */
  readonly isEstimate: boolean;
}

function shareOf(run: Run): Share | undefined {
  const found = companionOf(run, "groups without signal");
  if (found !== undefined) {
    return { ...lately(found, run), isEstimate: false };
  }
  const size = GROUP_SIZES.map((name) => numberOf(settingOf(run.config, name)))
    .find((value) => value !== undefined && value >= 2);
  const rate = passRate(run);
  if (size === undefined || rate === undefined || !rate.isShare) return undefined;
  const share = rate.value ** size + (1 - rate.value) ** size;
  return {
    share,
    most: share,
    isCount: false,
    endsAt: undefined,
    evidence: `from ${rate.key}, ${
      round(rate.value)
    } of late, and groups of ${size}, as if all prompts were equally hard`,
    isEstimate: true,
  };
}

/** Values above 1 that a share may have, which are slips of a log. */
const MOST_SLIPS = 0.05;

/** A share of groups over the last quarter of a run, and the largest. */
function lately(
  { key, series }: { key: string; series: Series },
  run: Run,
): Omit<Share, "isEstimate"> {
  const share = ofLate(series);
  const most = series.values.reduce((left, right) => Math.max(left, right), 0);
  const evidence = `${key}: ${round(series.values[0]!)} at step ${
    stepText(series.steps[0]!)
  }, median of its last quarter ${round(share)}, largest ${round(most)}`;
  const above = series.values.filter((value) => value > 1).length;
  const isCount = above > Math.max(1, MOST_SLIPS * series.values.length);
  return { share, most, isCount, evidence, endsAt: endedAt(run, series) };
}

function causeOf(run: Run): { finding: string; evidence: string } {
  const easy = companionOf(run, "groups too easy");
  const hard = companionOf(run, "groups too hard");
  if (easy !== undefined && hard !== undefined) {
    const [right, wrong] = [easy, hard].map(({ series }) => ofLate(series));
    const evidence = `${easy.key} ${round(right!)}, ${hard.key} ${round(wrong!)} of late`;
    const mostly = right! > 2 * wrong! ? "easy" : wrong! > 2 * right! ? "hard" : "both";
    return { finding: remedyFor(mostly, run), evidence };
  }
  const rate = passRate(run);
  if (rate === undefined) {
    return {
      finding: "the log does not tell whether they are too easy or too hard.",
      evidence: "",
    };
  }
  const mostly = rate.value >= EASY ? "easy" : rate.value <= HARD ? "hard" : "both";
  return { finding: remedyFor(mostly, run), evidence: `${rate.key} ${round(rate.value)} of late` };
}

const ADVICE = {
  easy: "take harder prompts, or leave out those that are solved.",
  hard: "take easier prompts or larger groups, and check that the grader accepts right answers.",
} as const;

function remedyFor(mostly: "easy" | "hard" | "both", { framework }: Run): string {
  const filter = framework === "verl"
    ? " (in verl: algorithm.filter_groups.enable=True, in trainers with dynamic sampling)"
    : "";
  switch (mostly) {
    case "easy":
    case "hard":
      return `most are too ${mostly}: ${ADVICE[mostly]}`;
    case "both":
      return `they are not explained by prompts that are all too easy or all too hard: sample until a group has both${filter}, or take larger groups.`;
  }
}

/** How well the policy does on its training prompts of late, as a share of the score's range. */
function passRate(
  { trainingScore, score, series }: Run,
): { key: string; value: number; isShare: boolean } | undefined {
  const found = trainingScore ?? (score?.kind === "training" ? score : undefined);
  if (found === undefined || found.values.length < FEWEST_RECENT) return undefined;
  const term = Array.from(series).find(([key]) =>
    /^(?:train\/)?rewards\/[^/]*(?:acc|correct)[^/]*\/mean$/.test(key)
  );
  const [key, values] = term === undefined
    ? [found.label, found.values]
    : [term[0], term[1].values];
  const low = values.reduce((left, right) => Math.min(left, right), 0);
  const high = values.reduce((left, right) => Math.max(left, right), 1);
  const recent = medianOf(
    lastPart({ steps: found.steps, values }, RECENT, FEWEST_RECENT).values,
  );
  return { key, value: (recent - low) / (high - low), isShare: low === 0 && high === 1 };
}
