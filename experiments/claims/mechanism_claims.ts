/** Claims 13 to 18: why entropy falls (Sec. 3). */
import { max, mean } from "simple-statistics";
import type { Claim, Criterion, Evidence } from "../../analysis/claims.ts";
import type { Curve } from "../../analysis/paper_data.ts";
import { shareInterval } from "../../analysis/share_interval.ts";
import { withMinus } from "../../formats/minus.ts";
import { ENTROPY, logged } from "../courses.ts";
import type { RewardedPolicy } from "../lab/tabular/random_policy.ts";
import { expectedReward, treeStepped } from "../lab/tabular/sequence_tree.ts";
import { advantagesOf, probabilities } from "../lab/tabular/softmax_state.ts";
import type { StudyLog } from "../study_log.ts";
import {
  changes,
  errorCurves,
  type Gradient,
  GRADIENTS,
  powerLaw,
  SMALL,
  type TheoryPolicies,
  theoryPolicies,
} from "../theory.ts";
import { blocks, type ClaimLogs, courseCorrelation, eachRun, single } from "./log_numbers.ts";

type MechanismCriterion = Criterion<ClaimLogs>;

let drawn: TheoryPolicies | undefined;

/** The policies that the pictures of the theory show, made once. */
function policies(): TheoryPolicies {
  return drawn ??= theoryPolicies();
}

function ofPolicies(
  all: readonly RewardedPolicy[],
  value: (policy: RewardedPolicy) => number,
): Evidence {
  return {
    observations: all.map((policy, i) => ({ name: `policy ${i + 1}`, value: value(policy) })),
  };
}

/** The same of the policies for which something holds: a share of all that could be drawn, so that it has an interval. */
function shareOfPolicies(
  all: readonly RewardedPolicy[],
  holds: (policy: RewardedPolicy) => boolean,
): Evidence {
  const found = all.map(holds);
  return {
    observations: found.map((value, i) => ({ name: `policy ${i + 1}`, value: Number(value) })),
    interval: shareInterval(found.filter(Boolean).length, found.length),
  };
}

/** The exponent of the error of Lemma 1 in η, of each policy. */
function orders(all: readonly RewardedPolicy[], gradient: Gradient): Evidence {
  const { errors } = errorCurves(all)[GRADIENTS.indexOf(gradient)]!;
  return {
    observations: errors.map((of, i) => ({
      name: `policy ${i + 1}`,
      value: powerLaw(of).exponent,
    })),
  };
}

const ORDER = { paper: "first order, so 2", accept: [1.9, 2.1], unit: "" } as const;

function firstStep(policy: RewardedPolicy, gradient: Gradient) {
  return changes(policy, gradient, [SMALL])[0]!;
}

function relativeError(gradient: Gradient, name: string): MechanismCriterion {
  return {
    quantity:
      `one state, ${name}: relative error of −η·Cov at η = ${SMALL}, mean over random policies`,
    paper: "≈",
    accept: [-Infinity, 0.01],
    unit: "%",
    decisive: true,
    measure: () =>
      ofPolicies(policies().states, (policy) => {
        const { total, lemma } = firstStep(policy, gradient);
        return Math.abs(lemma / total - 1);
      }),
  };
}

function signRight(gradient: Gradient, name: string): MechanismCriterion {
  return {
    quantity:
      `responses of several tokens, ${name}: random policies for which −η·Cov has the sign of ΔH`,
    paper: "not restricted to one token",
    accept: [0.95, Infinity],
    unit: "%",
    measure: () =>
      shareOfPolicies(policies().treesOfError, (policy) => {
        const { total, lemma } = firstStep(policy, gradient);
        return total * lemma > 0;
      }),
  };
}

/** In how many policies Lemma 1 has the sign of ΔH, by the length of the responses. */
function signByLength(): string[] {
  const { trees } = policies();
  return GRADIENTS.map((gradient) => {
    const shares = trees.map((all) =>
      mean(all.map((policy) => {
        const { total, lemma } = firstStep(policy, gradient);
        return Number(total * lemma > 0);
      }))
    );
    const percents = shares.map((share) => (100 * share).toFixed(0)).join(", ");
    const isWorse = shares.slice(1).every((share) => share < shares[0]!);
    return `By exact computation, with the ${gradient} gradient and responses of 1 to ${trees.length} tokens, −η·Cov has the sign of ΔH in ${percents} % of random policies: ${
      isWorse
        ? "responses of several tokens do worse than single ones, so scale does not explain it"
        : "responses of several tokens do not all do worse than single ones"
    }.`;
  });
}

/** Whether the expected reward of a policy of one state rises with Δz = η·∇J. */
function risesBy(eta: number): Evidence {
  return ofPolicies(policies().states, ({ tree, logits, vanilla }) =>
    Number(
      expectedReward(tree, treeStepped(logits, vanilla, eta)) > expectedReward(tree, logits),
    ));
}

/** The run whose updates are strictly on-policy. */
function onPolicy(logs: ClaimLogs): StudyLog {
  return logs.of("fig8")[0]!;
}

/** Parts of training over which the noise of single rollouts is averaged. */
const BLOCKS = 50;

/** The loss of H per step over parts of training beside the mean covariance of these parts, correlated. */
function lossAndCovariance(logs: ClaimLogs): Evidence {
  const log = onPolicy(logs);
  const { steps } = log.run.settings;
  const entropy = blocks(ENTROPY(log), steps, BLOCKS);
  const covariance = blocks(logged(log, "covariance/sequence"), steps, BLOCKS);
  const [loss, cause]: [number[], number[]] = [[], []];
  for (let i = 1; i < BLOCKS; i++) {
    const values = [entropy[i - 1], entropy[i], covariance[i - 1], covariance[i]];
    if (values.some((value) => value === undefined)) continue;
    const [before, after, first, second] = values as [number, number, number, number];
    loss.push(before - after);
    cause.push((first + second) / 2);
  }
  return courseCorrelation(cause, loss);
}

/** The change of entropy in the states that an update learnt from, beside what a theorem says. */
function atSameStates(logs: ClaimLogs, key: string): Evidence {
  const log = onPolicy(logs);
  const theory = new Map(logged(log, key).map(({ step, value }) => [step, value]));
  const common = logged(log, "theory/entropy_change").filter(({ step }) => theory.has(step));
  if (common.length === 0) return { untestable: `the log has no ${key}` };
  return courseCorrelation(
    common.map(({ step }) => theory.get(step)!),
    common.map(({ value }) => -value),
  );
}

/** What the measured change of logits says of the entropy, where what a theorem takes it for does not. */
function byMeasuredLogits(logs: ClaimLogs): string[] {
  const evidence = atSameStates(logs, "theory/lemma_1");
  if ("untestable" in evidence) return [];
  // Lemma 1 is of ΔH, not of its loss.
  const value = -evidence.observations[0]!.value;
  return [
    `By Lemma 1 with the change of logits as it was measured, not as a theorem has it, the correlation is ${
      withMinus(value.toPrecision(3))
    }: what a theorem misses is how a step of AdamW on shared parameters changes logits. That is one run of one size, which cannot tell whether size changes it.`,
  ];
}

/** How far the covariance of easy prompts is from the order of the paper, and whether it comes nearer. */
function easyOverMiddling(logs: ClaimLogs): string[] {
  const log = onPolicy(logs);
  const { steps } = log.run.settings;
  const [easy, middling] = [0.875, 0.5].map((share) => blocks(byDifficulty(log, share), steps, 5));
  const ratios = [0, 4].map((part) => easy![part]! / middling![part]!);
  if (ratios.some((ratio) => !Number.isFinite(ratio))) return [];
  const [first, last] = ratios.map((ratio) => withMinus(ratio.toPrecision(2)));
  return [
    `The covariance of prompts with accuracy 0.875 is ${first} times that of prompts with 0.5 in the first fifth of training, and ${last} times in the last. It is one run of one size, which cannot tell whether size changes it.`,
  ];
}

/** Covariance over prompts of which a share of the responses is right. */
function byDifficulty(log: StudyLog, share: number): Curve {
  const right = Math.round(share * log.run.settings.group);
  return logged(log, `covariance/difficulty/${right}`);
}

/** In how many parts of training the covariance of easier prompts is above that of harder ones. */
function easierAboveHarder(easier: number, harder: number): MechanismCriterion {
  return {
    quantity:
      `twentieths of training in which prompts with accuracy ${easier} have the higher covariance than those with ${harder}`,
    paper: "nearly all, in the picture",
    accept: [0.75, Infinity],
    unit: "%",
    measure: (logs) => {
      const log = onPolicy(logs);
      const { steps } = log.run.settings;
      const [high, low] = [easier, harder].map((share) =>
        blocks(byDifficulty(log, share), steps, 20)
      );
      const both = high!.flatMap((value, i) =>
        value === undefined || low![i] === undefined
          ? []
          : [{ name: `part ${i + 1}`, value: Number(value > low![i]!) }]
      );
      return both.length === 0
        ? { untestable: `no step has prompts of accuracy ${easier} and ${harder}` }
        : { observations: both };
    },
  };
}

/** The groups of Table 1: share of the tokens, mean covariance. */
const TABLE_1 = [
  [0.0002, 5.654],
  [0.002, 3.112],
  [0.02, 1.385],
  [0.2, 0.351],
  [0.5, 0.152],
  [1, 0.003],
] as const;

function groupMean(share: number, paper: number): MechanismCriterion {
  const name = share === 1 ? "all tokens" : `top ${100 * share} %`;
  const key = share === 1 ? "covariance/mean" : `covariance/top-${share}`;
  return {
    quantity: `mean covariance at the first step over the paper's, ${name}`,
    paper: String(paper),
    accept: [0.5, 2],
    unit: "×",
    measure: (logs) => {
      const runs = logs.of("table1");
      const tokens = mean(runs.map((log) => logged(log, "rollout/tokens")[0]!.value));
      if (share * tokens < 1) {
        return {
          untestable: `${100 * share} % of the ${Math.round(tokens)} tokens of a rollout are ${
            (share * tokens).toFixed(2)
          } tokens`,
        };
      }
      return eachRun(runs, (log) => logged(log, key)[0]!.value / paper);
    },
  };
}

/** The claims of Sec. 3. */
export const MECHANISM_CLAIMS: readonly Claim<ClaimLogs>[] = [
  {
    number: 13,
    place: "Sec. 3.1, Lemma 1",
    statement:
      "To first order the entropy of a softmax policy changes by −Cov(log π, Δz), averaged over the states of the old policy.",
    paper: "a proof; what changed states add is left out",
    figures: [],
    readings: [{
      name: "",
      criteria: [
        ...GRADIENTS.map((gradient): MechanismCriterion => ({
          quantity: `one state, ${gradient} gradient: order of the error in η, mean over policies`,
          ...ORDER,
          decisive: true,
          measure: () => orders(policies().states, gradient),
        })),
        ...GRADIENTS.map((gradient): MechanismCriterion => ({
          quantity:
            `responses of 4 tokens, ${gradient} gradient: order of the error in η, mean over policies`,
          ...ORDER,
          measure: () => orders(policies().treesOfError, gradient),
        })),
      ],
    }],
    scale: signByLength,
  },
  {
    number: 14,
    place: "Sec. 3.2, Prop. 1, and the appendix",
    statement: "A step of the vanilla policy gradient changes logits by Δz = η·π·A.",
    paper: "Δz = −η·∇J in the main text, +η·∇J in the appendix",
    figures: [],
    readings: [
      {
        name: "the appendix, Δz = +η·∇J",
        criteria: [
          {
            quantity: "one state: largest difference of ∇J from π·A",
            paper: "0",
            accept: [-Infinity, 1e-12],
            unit: "",
            decisive: true,
            measure: () =>
              single(
                "all policies",
                max(
                  policies().states.flatMap(({ tree, logits: [logits], vanilla: [vanilla] }) => {
                    const advantages = advantagesOf(logits!, tree.rewards);
                    return probabilities(logits!).map((p, a) =>
                      Math.abs(vanilla![a]! - p * advantages[a]!)
                    );
                  }),
                ),
              ),
          },
          {
            quantity: "one state: random policies whose expected reward rises",
            paper: "ascent",
            accept: [1, 1],
            unit: "%",
            measure: () => risesBy(SMALL),
          },
        ],
      },
      {
        name: "the main text, Δz = −η·∇J",
        criteria: [{
          quantity: "one state: random policies whose expected reward rises",
          paper: "ascent",
          accept: [1, 1],
          unit: "%",
          measure: () => risesBy(-SMALL),
        }],
      },
    ],
  },
  {
    number: 15,
    place: "Sec. 3.2, Thms. 1 and 2",
    statement:
      "ΔH ≈ −η·Cov(log π, π·A) for the vanilla policy gradient and −η·Cov(log π, A) for the natural one.",
    paper: "proofs",
    figures: [],
    readings: [{
      name: "",
      criteria: [
        relativeError("vanilla", "Theorem 1"),
        relativeError("natural", "Theorem 2"),
        signRight("vanilla", "Theorem 1"),
        signRight("natural", "Theorem 2"),
      ],
    }],
    scale: signByLength,
  },
  {
    number: 16,
    place: "Sec. 3.3, Fig. 8 left",
    statement:
      "The loss of entropy from step to step and the covariance have highly similar dynamics, and the covariance stays positive.",
    paper: "“matched exactly” in the abstract; no correlation or slope",
    figures: ["fig8"],
    readings: [{
      name: "",
      criteria: [
        {
          quantity:
            `correlation of −ΔH and Cov(log π, π·A) of responses, by ${BLOCKS} parts of training`,
          paper: "“highly similar”",
          accept: [0.7, Infinity],
          unit: "",
          decisive: true,
          measure: lossAndCovariance,
        },
        {
          quantity: "steps with positive covariance",
          paper: "all",
          accept: [0.95, Infinity],
          unit: "%",
          measure: (logs) => {
            const curve = logged(onPolicy(logs), "covariance/sequence");
            return {
              observations: curve.map(({ step, value }) => ({
                name: `step ${step}`,
                value: Number(value > 0),
              })),
            };
          },
        },
        ...[1, 2].map((theorem): MechanismCriterion => ({
          quantity:
            `correlation, step by step, of −ΔH in the states that the update learnt from and the covariance of Theorem ${theorem} there`,
          paper: "not measured",
          accept: [0.7, Infinity],
          unit: "",
          measure: (logs) => atSameStates(logs, `theory/theorem_${theorem}`),
        })),
      ],
    }],
    scale: byMeasuredLogits,
  },
  {
    number: 17,
    place: "Sec. 3.3, Fig. 8 right",
    statement:
      "Prompts that the policy solves more often have the higher covariance: accuracy 0.875 above 0.5 above 0.125.",
    paper: "seen in the picture",
    figures: ["fig8"],
    readings: [{
      name: "",
      criteria: [easierAboveHarder(0.875, 0.5), easierAboveHarder(0.5, 0.125)],
    }],
    scale: easyOverMiddling,
  },
  {
    number: 18,
    place: "Sec. 4.1, Table 1",
    statement:
      "Few tokens carry most of the covariance: the top 0.02 % have a mean of 5.654, all tokens one of 0.003.",
    paper: "5.654, 3.112, 1.385, 0.351, 0.152, 0.003",
    figures: ["table1"],
    readings: [{
      name: "",
      criteria: [
        ...TABLE_1.map(([share, paper]) => groupMean(share, paper)),
        {
          quantity: "top 2 % over all tokens",
          paper: `${Math.round(1.385 / 0.003)}×`,
          accept: [100, Infinity],
          unit: "×",
          decisive: true,
          measure: (logs) =>
            eachRun(
              logs.of("table1"),
              (log) =>
                logged(log, "covariance/top-0.02")[0]!.value /
                logged(log, "covariance/mean")[0]!.value,
            ),
        },
      ],
    }],
    scale: (logs) => {
      const runs = logs.of("table1");
      const first = (key: string) => mean(runs.map((log) => logged(log, key)[0]!.value));
      const [tail, all] = [first("covariance/top-0.02") / 1.385, first("covariance/mean") / 0.003];
      return [
        `The top 2 % have ${tail.toPrecision(2)} times the paper's covariance and all tokens ${
          all.toPrecision(2)
        } times, in rollouts of ${first("rollout/tokens").toFixed(0)} tokens and responses of ${
          first("response_length/mean").toFixed(1)
        }.`,
      ];
    },
  },
];
