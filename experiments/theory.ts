/**
 * Lemma 1, Proposition 1, Theorems 1 and 2. To first order ΔH = −Cov(log π, Δz), with states visited as
 * before: −η·Cov(log π, π·A) for the vanilla policy gradient, −η·Cov(log π, A) for the natural one.
 */
import { linearRegression, max, mean, median, min, quantile, rSquared } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { COLOURS, logTicks, SHAPES } from "../analysis/figures/theme.ts";
import { randomPolicy, type RewardedPolicy, sampleAction } from "./lab/tabular/random_policy.ts";
import {
  type EntropyChange,
  entropyChange,
  expectedReward,
  firstOrderChange,
  firstOrderChangeOfResponses,
  reachProbabilities,
  treeStepped,
} from "./lab/tabular/sequence_tree.ts";
import {
  advantagesOf,
  firstOrderEntropyChange,
  policyGradient,
  probabilities,
} from "./lab/tabular/softmax_state.ts";
import { type RandomGenerator, seededRandom } from "./lab/tasks/random.ts";

/** Random policies of one state: responses of one token. */
const ONE_STATE = { depth: 1, actions: 8, policies: 300 };
/** Random policies on trees, and those among them in the picture of the error. */
const TREES = [1, 2, 3, 4, 5].map((depth) => ({ depth, actions: 3, policies: 150 }));
const TREES_OF_ERROR = TREES[3]!;
/** Rewards whose mean is the baseline where it is sampled, as in a group of GRPO. */
const GROUP = 8;
/** Learning rates in the picture, and for the regression: small, yet with errors above rounding. */
const ETAS = logSteps(1e-4, 10, 4);
const REGRESSED = ETAS.filter((eta) => eta < 1.01e-2);
/** The learning rate of what is said of small steps. */
export const SMALL = 1e-3;
/** Steps in logits in the picture, and finer ones, which tell to 12 % from where on an error is reached. */
const STEPS = logSteps(0.01, 30, 8);
const FINE_STEPS = logSteps(1e-3, 1e3, 20);

export type Gradient = "vanilla" | "natural";
export const GRADIENTS: readonly Gradient[] = ["vanilla", "natural"];
const LABELS = GRADIENTS.map((gradient) => `${gradient} gradient`);
/** The curves of the picture of the error. */
const SERIES = ["Lemma 1", "Lemma 1 + change of states"].flatMap((order) =>
  LABELS.map((label) => `${label}, ${order}`)
);
const SOURCE =
  "computed by experiments/theory.ts in float64, exactly but for rounding, for random policies and rewards (seeded); numbers are medians over the policies, with the middle 80 % in brackets";

/** The error of Lemma 1, where it breaks, and what it leaves out on trees of states. */
export function drawTheory(): Promise<Figure[]> {
  const { states, trees, treesOfError, random } = theoryPolicies();
  return Promise.resolve([
    errorFigure(states, treesOfError, random),
    breakFigure(states),
    statesFigure(trees),
  ]);
}

/** The random policies of the pictures. */
export interface TheoryPolicies {
  /** Of one state. */
  readonly states: readonly RewardedPolicy[];
  /** On trees, by the length of their responses. */
  readonly trees: readonly RewardedPolicy[][];
  /** Those of them in the picture of the error. */
  readonly treesOfError: readonly RewardedPolicy[];
  /** For what else is drawn by chance. */
  readonly random: RandomGenerator;
}

/** Draws the policies, the same every time. */
export function theoryPolicies(): TheoryPolicies {
  const random = seededRandom(1);
  const [states, ...trees] = [ONE_STATE, ...TREES].map((kind) =>
    Array.from({ length: kind.policies }, () => randomPolicy(kind, random))
  );
  return { states: states!, trees, treesOfError: trees[TREES.indexOf(TREES_OF_ERROR)]!, random };
}

/** How H changes with a step of the logits along a gradient, exactly and to first order, in nats per token. */
export function changes(policy: RewardedPolicy, gradient: Gradient, etas: readonly number[]) {
  const { tree, logits, [gradient]: step } = policy;
  const slope = firstOrderChange(tree, logits, step);
  return etas.map((eta) => {
    const exact = entropyChange(tree, logits, treeStepped(logits, step, eta));
    return {
      exact,
      total: exact.fixedStates + exact.changedStates,
      lemma: eta * slope.fixedStates,
      whole: eta * (slope.fixedStates + slope.changedStates),
    };
  });
}

// The error and its order in η.

export interface ErrorCurves {
  readonly series: string;
  /** |ΔH − first order| of each policy at each of ETAS, [policies, etas]. */
  readonly errors: readonly number[][];
}

/** The errors of Lemma 1 for both gradients, and of Lemma 1 with the change of states. */
export function errorCurves(policies: readonly RewardedPolicy[]): ErrorCurves[] {
  const found = GRADIENTS.map((gradient) =>
    policies.map((policy) => changes(policy, gradient, ETAS))
  );
  return (["lemma", "whole"] as const).flatMap((order, k) =>
    found.map((all, i) => ({
      series: SERIES[2 * k + i]!,
      errors: all.map((of) => of.map((change) => Math.abs(change.total - change[order]))),
    }))
  );
}

/** The exponent of an error's power law in η over small learning rates, and how well it holds. */
export function powerLaw(errors: readonly number[]): { exponent: number; r2: number } {
  const points = REGRESSED.map((eta, i) => [Math.log(eta), Math.log(errors[i]!)]);
  const { m, b } = linearRegression(points);
  return { exponent: m, r2: rSquared(points, (x) => m * x + b) };
}

function errorFigure(
  states: readonly RewardedPolicy[],
  trees: readonly RewardedPolicy[],
  random: RandomGenerator,
): Figure {
  const { depth, actions } = TREES_OF_ERROR;
  const panels = [
    { title: `One state, ${ONE_STATE.actions} actions`, curves: errorCurves(states).slice(0, 2) },
    {
      title: `Trees: ${depth} tokens, each one of ${actions}`,
      curves: errorCurves(trees),
    },
  ];
  return {
    id: "theory_error",
    title: "Theory: the error of first order",
    caption:
      `The distance of the first order of ΔH from the exact ΔH over the learning rate: medians over ${states.length} random policies of one state (top) and ${trees.length} on random trees of states (bottom), for steps along the exact vanilla and natural policy gradients. The number at the left end of a line is its slope up to η = 0.01. In one state the error of Lemma 1 is of order η². On trees, where one token leads to the next, it is of order η, as is ΔH itself: Lemma 1 has the states visited as often as before the step. With the change of states, exact to first order, it is of order η² again. Proposition 1 and Theorem 2 hold in one state as the appendix has them, Theorem 2 but for a constant that the covariance does not see; the sign in the main text would lower the reward.`,
    source: SOURCE,
    spec: {
      vconcat: panels.map(({ title, curves }) => errorPanel(title, curves)),
      spacing: 12,
    },
    measurements: [
      ...panels.flatMap(({ title, curves }) =>
        curves.map(({ series, errors }, i): Measurement => ({
          quantity: `${title}; ${series}: order of the error in η; R² of the fit`,
          paper: i < 2 ? "first order, so 2" : "has no change of states",
          measured: `${spread(errors.map((of) => powerLaw(of).exponent), fixed(2))}; R² ${
            spread(errors.map((of) => powerLaw(of).r2), fixed(4))
          }`,
        }))
      ),
      ...gradientMeasurements(states, trees),
      ...baselineMeasurements(states, random),
    ],
  };
}

function errorPanel(title: string, curves: readonly ErrorCurves[]) {
  const points = curves.flatMap(({ series, errors }) =>
    ETAS.map((eta, i) => ({ series, eta, error: median(errors.map((of) => of[i]!)) }))
  );
  const slopes = curves.map(({ series, errors }, i) => {
    const { eta, error } = points.find((point) => point.series === series)!;
    const slope = median(errors.map((of) => powerLaw(of).exponent)).toFixed(2);
    // Apart from each other: the curve of the vanilla gradient is the lower one.
    return { eta, error: i % 2 === 0 ? error / 3 : error * 3, slope };
  });
  const x = logAxis("eta", "Learning rate η (log scale)", [3e-5, 12]);
  const y = {
    ...logAxis("error", ["|ΔH − first order|", "(nats per token, log scale)"], [1e-12, 10]),
    axis: { values: logTicks(1e-12, 1, [1]).filter((_, i) => i % 2 === 0), format: "~e" },
  };
  return {
    title,
    height: 150,
    layer: [
      ...lineWithPoints({ x, y, names: SERIES }, points),
      {
        data: { values: slopes },
        mark: { type: "text" as const, dx: -16 },
        encoding: {
          x,
          y,
          text: { field: "slope", type: "nominal" as const },
        },
      },
    ],
  };
}

/** Proposition 1 and Theorem 2: what the two gradients are. */
function gradientMeasurements(
  states: readonly RewardedPolicy[],
  trees: readonly RewardedPolicy[],
): Measurement[] {
  const found = states.map(({ tree, logits: [logits], vanilla: [vanilla], natural: [natural] }) => {
    const advantages = advantagesOf(logits!, tree.rewards);
    const distance = natural!.map((part, a) => part - advantages[a]!);
    const ofNatural = firstOrderEntropyChange(logits!, natural!);
    return {
      vanilla: max(
        probabilities(logits!).map((p, a) => Math.abs(vanilla![a]! - p * advantages[a]!)),
      ),
      constant: Math.abs(mean(distance)),
      beside: max(distance) - min(distance),
      covariance: Math.abs(ofNatural / firstOrderEntropyChange(logits!, advantages) - 1),
    };
  });
  const risesBy = (eta: number) =>
    share(
      states,
      ({ tree, logits, vanilla }) =>
        expectedReward(tree, treeStepped(logits, vanilla, eta)) > expectedReward(tree, logits),
    );
  return [
    {
      quantity: "One state: largest difference of the vanilla gradient from π·A (Proposition 1)",
      paper: "0",
      measured: max(found.map(({ vanilla }) => vanilla)).toExponential(0),
    },
    {
      quantity: "One state: policies whose expected reward rises with Δz = +η·∇J; with −η·∇J",
      paper: "the appendix has +, the main text −",
      measured: `${risesBy(SMALL)}; ${risesBy(-SMALL)}`,
    },
    {
      quantity:
        `Trees of ${TREES_OF_ERROR.depth}: how often the rarest state is reached, by which ∇J there is smaller than π·A`,
      paper: "not in Proposition 1",
      measured: spread(
        trees.map(({ logits }) => min(reachProbabilities(logits))),
        (value) => value.toExponential(0),
      ),
    },
    {
      quantity:
        "One state: the constant by which the natural gradient F⁺·∇J differs from A; largest difference from a constant",
      paper: "0; 0 (Theorem 2 has A)",
      measured: `${spread(found.map(({ constant }) => constant), fixed(2))}; ${
        max(found.map(({ beside }) => beside)).toExponential(0)
      }`,
    },
    {
      quantity: "One state: largest relative difference of its covariance from Cov(log π, A)",
      paper: "0",
      measured: max(found.map(({ covariance }) => covariance)).toExponential(0),
    },
  ];
}

/** Proposition 1 where A is not centred exactly: its baseline is the mean of a few sampled rewards. */
function baselineMeasurements(
  states: readonly RewardedPolicy[],
  random: RandomGenerator,
): Measurement[] {
  const ratios = states.map(({ tree: { rewards }, logits: [logits] }) => {
    const sampled = Array.from({ length: GROUP }, () => rewards[sampleAction(logits!, random)]!);
    const advantages = rewards.map((reward) => reward - mean(sampled));
    const formula = probabilities(logits!).map((p, a) => p * advantages[a]!);
    return firstOrderEntropyChange(logits!, formula) /
      firstOrderEntropyChange(logits!, policyGradient(logits!, advantages));
  });
  const formula =
    `One state, A less the mean of ${GROUP} sampled rewards as in GRPO: Cov(log π, π·A)`;
  return [
    {
      quantity: `${formula}, relative error against the gradient's covariance`,
      paper: "assumes that A has mean 0",
      measured: spread(ratios.map((ratio) => Math.abs(ratio - 1)), percent),
    },
    {
      quantity: `${formula}, policies where its sign is wrong`,
      measured: share(ratios, (ratio) => ratio < 0),
    },
  ];
}

// Where first order breaks.

/** How first order fares at steps of some size, which is the widest difference between changes of logits. */
function atSteps(policy: RewardedPolicy, gradient: Gradient, sizes: readonly number[]) {
  const [step] = policy[gradient];
  const etas = sizes.map((size) => size / (Math.max(...step!) - Math.min(...step!)));
  return changes(policy, gradient, etas).map(({ total, lemma }, i) => ({
    size: sizes[i]!,
    eta: etas[i]!,
    error: Math.abs(total - lemma) / Math.abs(total),
    isSignRight: total * lemma > 0,
  }));
}

function breakFigure(states: readonly RewardedPolicy[]): Figure {
  const rows = GRADIENTS.flatMap((gradient, i) => {
    const found = states.map((policy) => atSteps(policy, gradient, STEPS));
    return STEPS.map((size, k) => {
      const errors = found.map((of) => 100 * of[k]!.error);
      return {
        series: LABELS[i]!,
        size,
        error: median(errors),
        low: quantile(errors, 0.1),
        high: quantile(errors, 0.9),
        right: 100 * mean(found.map((of) => Number(of[k]!.isSignRight))),
      };
    });
  });
  const domain: [number, number] = [STEPS[0]! / 1.1, STEPS.at(-1)! * 1.1];
  const x = {
    ...logAxis("size", "Step: widest difference of Δz between actions (log scale)", domain),
    axis: { values: logTicks(...domain, [1, 3]), format: "~g" },
  };
  const y = logAxis("error", ["Error of Lemma 1", "(% of |ΔH|, log scale)"], [0.05, 2000]);
  const bounds = [10, 100].map((error) => ({ error }));
  const right = {
    field: "right",
    type: "quantitative" as const,
    title: ["Sign of ΔH right", "(% of policies)"],
    scale: { zero: false },
    axis: { tickCount: 5 },
  };
  return {
    id: "theory_break",
    title: "Theory: where first order breaks",
    caption:
      `Lemma 1 against the exact ΔH by the size of a step, for ${states.length} random policies of one state. Top: the error as a share of |ΔH|, median (marks) and the middle 80 % of the policies (band between thin lines; the bands overlap); grey lines are 10 % and 100 %. Bottom: in how many policies Lemma 1 has the sign of ΔH. The size of a step is the widest difference between the changes of two logits, which a constant added to all logits does not change. Large steps make any policy sure, whatever the covariance: the entropy falls where first order may say that it rises.`,
    source: SOURCE,
    spec: {
      vconcat: [
        {
          height: 150,
          layer: [
            {
              data: { values: rows },
              mark: { type: "area", opacity: 0.16, clip: true },
              encoding: {
                x,
                y: { ...y, field: "low" },
                y2: { field: "high" },
                color: colour(LABELS),
              },
            },
            {
              data: { values: bounds },
              mark: { type: "rule", color: "#888" },
              encoding: { y },
            },
            ...["low", "high"].map((field) => ({
              data: { values: rows },
              mark: { type: "line" as const, strokeWidth: 0.5, clip: true },
              encoding: { x, y: { ...y, field }, color: colour(LABELS) },
            })),
            ...lineWithPoints({ x, y, names: LABELS }, rows),
          ],
        },
        { height: 100, layer: lineWithPoints({ x, y: right, names: LABELS }, rows) },
      ],
      spacing: 12,
    },
    measurements: GRADIENTS.flatMap((gradient, i) =>
      breakMeasurements(states, gradient, LABELS[i]!)
    ),
  };
}

function breakMeasurements(
  states: readonly RewardedPolicy[],
  gradient: Gradient,
  series: string,
): Measurement[] {
  const fine = states.map((policy) => atSteps(policy, gradient, FINE_STEPS));
  const never = { size: Infinity, eta: Infinity };
  const sizes = [0.1, 1, 10];
  const signs = states.map((policy) => atSteps(policy, gradient, sizes));
  return [
    ...[0.1, 1].map((bound) => {
      const reached = fine.map((steps) => steps.find(({ error }) => error >= bound) ?? never);
      return {
        quantity: `One state, ${series}: step in logits, and η, from which Lemma 1 is off by ${
          percent(bound)
        } of ΔH`,
        measured: `${spread(reached.map(({ size }) => size), fixed(2))}; η ${
          spread(reached.map(({ eta }) => eta), fixed(2))
        }`,
      };
    }),
    {
      quantity: `One state, ${series}: policies with the sign of ΔH right at steps of ${
        sizes.join(", ")
      } logits`,
      measured: sizes.map((_, k) => share(signs, (of) => of[k]!.isSignRight)).join(", "),
    },
  ];
}

// What changed states contribute.

/** The size of the part from the change of states as a share of the sizes of both parts of ΔH. */
function shareOfStates({ fixedStates, changedStates }: EntropyChange): number {
  return Math.abs(changedStates) / (Math.abs(fixedStates) + Math.abs(changedStates));
}

function statesFigure(trees: readonly RewardedPolicy[][]): Figure {
  const found = TREES.flatMap(({ depth }, t) =>
    GRADIENTS.map((gradient, i) => {
      const all = trees[t]!.map((policy) => changes(policy, gradient, [SMALL])[0]!);
      return { depth, series: LABELS[i]!, all };
    })
  );
  const rows = found.map(({ depth, series, all }, i) => {
    const shares = all.map(({ exact }) => 100 * shareOfStates(exact));
    return {
      // Beside each other.
      depth: depth + (i % 2 === 0 ? -0.08 : 0.08),
      series,
      share: median(shares),
      low: quantile(shares, 0.1),
      high: quantile(shares, 0.9),
      right: 100 * mean(all.map(({ total, lemma }) => Number(total * lemma > 0))),
    };
  });
  const x = {
    field: "depth",
    type: "quantitative" as const,
    title: "Length of the responses (tokens)",
    scale: { domain: [0.7, TREES.length + 0.3], nice: false },
    axis: { values: TREES.map(({ depth }) => depth), format: "d", grid: false },
  };
  const y = (field: string, title: string[], domain: [number, number]) => ({
    field,
    type: "quantitative" as const,
    title,
    scale: { domain, nice: false },
    axis: { tickCount: 5 },
  });
  const ofStates = y("share", ["Part of ΔH from the", "change of states (%)"], [0, 80]);
  return {
    id: "theory_states",
    title: "Theory: the change of states",
    caption: `What Lemma 1 leaves out, on random trees of states by the length of the responses, ${
      TREES[0]!.policies
    } policies each, at η = ${SMALL}. Top: ΔH is the sum of two parts, exactly: entropies that change in states visited as before, and visits that change; shown is the size of the second as a share of both sizes, median (mark) and the middle 80 % of the policies (line). A response of one token has one state. Bottom: in how many policies Lemma 1, averaged over the old states, has the sign of ΔH; the standard error of such a share is at most ${
      (50 / Math.sqrt(TREES[0]!.policies)).toFixed(0)
    } points. All prefixes of a random tree are alike, so how large the part is in a language model is not told here.`,
    source: SOURCE,
    spec: {
      vconcat: [
        {
          height: 150,
          layer: [
            {
              data: { values: rows },
              mark: { type: "rule", strokeWidth: 1.4 },
              encoding: {
                x,
                y: { ...ofStates, field: "low" },
                y2: { field: "high" },
                color: colour(LABELS),
              },
            },
            ...lineWithPoints({ x, y: ofStates, names: LABELS }, rows),
          ],
        },
        {
          height: 100,
          layer: lineWithPoints({
            x,
            y: y("right", ["Sign of ΔH right", "(% of policies)"], [50, 100]),
            names: LABELS,
          }, rows),
        },
      ],
      spacing: 12,
    },
    measurements: [
      ...found.filter(({ depth }) => depth > 1).map(({ depth, series, all }): Measurement => ({
        quantity:
          `${depth} tokens, ${series}: part of ΔH from the change of states; policies with the sign right`,
        paper: "left out",
        measured: `${spread(all.map(({ exact }) => shareOfStates(exact)), percent)}; ${
          share(all, ({ total, lemma }) => total * lemma > 0)
        }`,
      })),
      {
        quantity:
          "Lemma 1 with whole responses as actions (as Fig. 8 takes them) less Lemma 1 with tokens as actions and the change of states: largest difference",
        measured: max(trees.flat().map(responseDifference)).toExponential(0),
      },
    ],
  };
}

/** By how much Lemma 1 over whole responses is not the sum of both parts over tokens, in nats per token. */
function responseDifference({ tree, logits, natural }: RewardedPolicy): number {
  const { fixedStates, changedStates } = firstOrderChange(tree, logits, natural);
  const ofResponses = firstOrderChangeOfResponses(tree, logits, natural);
  return Math.abs(ofResponses - fixedStates - changedStates);
}

// Numbers and pictures of all three.

/** Numbers from low to high, evenly spaced on a logarithmic scale. */
function logSteps(low: number, high: number, perDecade: number): number[] {
  const count = Math.round(perDecade * Math.log10(high / low));
  return Array.from({ length: count + 1 }, (_, i) => low * (high / low) ** (i / count));
}

/** Median and the middle 80 %. */
function spread(values: number[], format: (value: number) => string): string {
  const [low, middle, high] = [0.1, 0.5, 0.9].map((p) => format(quantile(values, p)));
  return `${middle} [${low}, ${high}]`;
}

function share<T>(list: readonly T[], is: (one: T) => boolean): string {
  return percent(list.filter(is).length / list.length);
}

function percent(part: number): string {
  return `${(100 * part).toFixed(0)} %`;
}

function fixed(digits: number): (value: number) => string {
  return (value) => value.toFixed(digits);
}

function logAxis(field: string, title: string | string[], domain: [number, number]) {
  return {
    field,
    type: "quantitative" as const,
    title,
    scale: { type: "log" as const, domain, nice: false },
    axis: { values: logTicks(...domain, [1]), format: "~g" },
  };
}

function colour(names: string[]) {
  return {
    field: "series",
    type: "nominal" as const,
    scale: { domain: names, range: COLOURS.slice(0, names.length) },
    legend: { title: null, columns: 1 },
  };
}

interface Axes<X, Y> {
  x: X;
  y: Y;
  names: string[];
}

/** A curve for each series, its points marked. */
function lineWithPoints<X, Y>({ x, y, names }: Axes<X, Y>, values: object[]) {
  const shape = {
    ...colour(names),
    scale: { domain: names, range: SHAPES.slice(0, names.length) },
  };
  return [
    {
      data: { values },
      mark: { type: "line" as const, strokeWidth: 1.1 },
      encoding: { x, y, color: colour(names) },
    },
    {
      data: { values },
      mark: { type: "point" as const },
      encoding: { x, y, color: colour(names), shape },
    },
  ];
}
