import { Matrix, solve } from "ml-matrix";
import { max, min } from "simple-statistics";
import { whyUnfit } from "./check_pairs.ts";
import { effortFor, evenlyThinned } from "./effort.ts";
import { fitCurve } from "./law.ts";
import { fitLine } from "./line.ts";
import { number } from "../formats/number.ts";
import type { Pair } from "./pairs.ts";
import { exponentOf, shifted } from "./scale.ts";

/** A form of R that can be compared with the law. */
export type RivalName = "law" | "linear" | "quadratic" | "power" | "sigmoid";

/** The forms in words, as the subject of a sentence. */
export const RIVAL_NAMES: Readonly<Record<RivalName, string>> = {
  law: "the law",
  linear: "a line in H",
  quadratic: "a parabola in H",
  power: "a power law in H",
  sigmoid: "a sigmoid in the step",
};

/** One form of R, fitted to the same pairs as the others. */
export interface Rival {
  /** `law`: −a·exp(H) + b. `linear`, `quadratic`: in H. `power`: c0 + c1·H^c2. `sigmoid`: in the step. */
  readonly model: RivalName;
  /** The fitted coefficients, in the order of the formula. */
  readonly coefficients: readonly number[];
  /** Root mean squared residual over the pairs compared, in units of R. */
  readonly rmse: number;
  /**
   * Akaike's information criterion with its small-sample correction; the variance counts as a
   * parameter. Undefined where there are too few pairs for it.
   */
  readonly aicc: number | undefined;
  /**
   * Root mean squared error over the second half of the pairs when fitted to the first half. Undefined
   * where the first half is too small or constant, or the error beyond the range of floats.
   */
  readonly outOfSample: number | undefined;
}

interface Model {
  readonly model: RivalName;
  readonly formula: string;
  readonly coefficients: number;
  /** How many of the coefficients, the first ones, are in units of R. */
  readonly inUnitsOfScore: number;
  /** Whether the form can be fitted to pairs at all. */
  isDefined?(pairs: readonly Pair[]): boolean;
  fit(pairs: readonly Pair[]): number[];
  at(coefficients: readonly number[], pair: Pair): number;
}

const MODELS: readonly Model[] = [
  {
    model: "law",
    formula: "R = −a·exp(H) + b",
    coefficients: 2,
    inUnitsOfScore: 2,
    fit(pairs) {
      const { slope, intercept } = fitLine(
        pairs.map(({ entropy }) => Math.exp(entropy)),
        pairs.map(({ score }) => score),
      );
      return [-slope, intercept];
    },
    at: ([a, b], { entropy }) => b! - a! * Math.exp(entropy),
  },
  {
    model: "linear",
    formula: "R = c0 + c1·H",
    coefficients: 2,
    inUnitsOfScore: 2,
    fit: (pairs) => leastSquares(pairs, ({ entropy }) => [1, entropy]),
    at: ([c0, c1], { entropy }) => c0! + c1! * entropy,
  },
  {
    model: "quadratic",
    formula: "R = c0 + c1·H + c2·H²",
    coefficients: 3,
    inUnitsOfScore: 3,
    fit: (pairs) => leastSquares(pairs, ({ entropy }) => [1, entropy, entropy ** 2]),
    at: ([c0, c1, c2], { entropy }) => c0! + c1! * entropy + c2! * entropy ** 2,
  },
  {
    model: "power",
    formula: "R = c0 + c1·H^c2",
    coefficients: 3,
    inUnitsOfScore: 2,
    isDefined: (pairs) => pairs.every(({ entropy }) => entropy > 0),
    fit(pairs) {
      const powers = [0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 4];
      return refine(pairs, powers.map((power) => [power]), {
        factor: ([power]) => ({ entropy }) => entropy ** power!,
        low: [0.02],
        high: [10],
      });
    },
    at: ([c0, c1, c2], { entropy }) => c0! + c1! * entropy ** c2!,
  },
  {
    model: "sigmoid",
    formula: "R = c0 + c1 / (1 + exp(−(step − c2)/c3))",
    coefficients: 4,
    inUnitsOfScore: 2,
    isDefined(pairs) {
      const { first, length } = stepsOf(pairs);
      return length > SHORTEST_RUN && Math.abs(first) + length < 1 / SHORTEST_RUN;
    },
    fit(pairs) {
      const { first, length } = stepsOf(pairs);
      // Searched in the distance of the middle from the start in widths, and the logarithm of the width:
      // at the lowest distance the curve is an exponential approach already.
      const starts = [-3, -1, 0, 1, 2, 4, 8, 16].flatMap((distance) =>
        [0.02, 0.05, 0.1, 0.2, 0.4, 0.8].map((width) => [distance, Math.log(width * length)])
      );
      const [c0, c1, distance, logWidth] = refine(pairs, starts, {
        factor: ([distance, logWidth]) => {
          const width = Math.exp(logWidth!);
          return ({ step }) => 1 / (1 + Math.exp(distance! - (step - first) / width));
        },
        low: [-3, Math.log(0.005 * length)],
        high: [50, Math.log(3 * length)],
      });
      const width = Math.exp(logWidth!);
      return [c0!, c1!, first + distance! * width, width];
    },
    at: ([c0, c1, c2, c3], { step }) => c0! + c1! / (1 + Math.exp(-(step - c2!) / c3!)),
  },
];

/** The formula of a model, for a person. */
export function formulaOf(name: RivalName): string {
  return MODELS.find(({ model }) => model === name)!.formula;
}

/** Steps that span less, or more than its inverse, have no widths that floats can hold. */
const SHORTEST_RUN = 1e-100;

function stepsOf(pairs: readonly Pair[]): { first: number; length: number } {
  const steps = pairs.map(({ step }) => step);
  const first = min(steps);
  return { first, length: max(steps) - first || 1 };
}

/**
 * Fits the law and its rivals to the same pairs by least squares: linear and quadratic in H, a power
 * law in H, a sigmoid in the step. Best AICc first. A power law needs H > 0 in all pairs and is left out
 * where that fails, as is any rival whose numbers would not be finite. Of a long run all forms, the law
 * too, are compared on the same evenly spaced pairs; there is no rival if no law can be fitted to those.
 *
 * @param options The most pairs that are compared: 2,500 unless told.
 * @throws {LawError} as `fitLaw` does.
 */
export function compareRivals(
  all: readonly Pair[],
  options: { readonly most?: number } = {},
): Rival[] {
  fitCurve(all);
  const pairs = evenlyThinned(all, options.most ?? effortFor([all.length]).rivalPairs);
  if (whyUnfit(pairs) !== undefined) return [];
  const unit = exponentOf(pairs.map(({ score }) => score));
  const scaled = unit === 0
    ? pairs
    : pairs.map((pair) => ({ ...pair, score: shifted(pair.score, -unit) }));
  const half = Math.ceil(pairs.length / 2);
  return MODELS.filter((model) => isUsable(model, pairs)).map((model): Rival => {
    const coefficients = model.fit(scaled);
    const squared = squaredError(model, coefficients, scaled);
    const error = outOfSample(model, scaled.slice(0, half), scaled.slice(half));
    return {
      model: model.model,
      coefficients: coefficients.map((value, i) =>
        i < model.inUnitsOfScore ? shifted(value, unit) : value
      ),
      rmse: shifted(Math.sqrt(squared / pairs.length), unit),
      aicc: aicc(squared, scaled, model.coefficients, unit),
      outOfSample: error === undefined ? undefined : finite(shifted(error, unit)),
    };
  }).filter(({ coefficients, rmse, aicc }) =>
    [...coefficients, rmse, aicc ?? 0].every(Number.isFinite)
  ).sort((left, right) => (left.aicc ?? Infinity) - (right.aicc ?? Infinity));
}

/**
 * Fits one form of R by least squares.
 *
 * @returns R by that form, as a function of a pair's step and entropy; undefined where the pairs are too few or too much
 * alike for it.
 */
export function fitRival(
  name: RivalName,
  pairs: readonly Pair[],
): ((pair: Pair) => number) | undefined {
  const model = MODELS.find(({ model }) => model === name)!;
  if (whyUnfit(pairs) !== undefined || !isUsable(model, pairs)) return undefined;
  const coefficients = model.fit(pairs);
  return (pair) => model.at(coefficients, pair);
}

function isUsable(model: Model, pairs: readonly Pair[]): boolean {
  return pairs.length > model.coefficients && (model.isDefined?.(pairs) ?? true);
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function aicc(
  squared: number,
  pairs: readonly Pair[],
  coefficients: number,
  unit: number,
): number | undefined {
  const n = pairs.length;
  const k = coefficients + 1;
  if (n - k - 1 <= 0) return undefined;
  // Rounding alone leaves this much, so noiseless pairs compare as equals.
  const largest = max(pairs.map(({ score }) => Math.abs(score)));
  const floor = n * (largest * 1e-12) ** 2;
  return n * Math.log(Math.max(squared, floor) / n) + 2 * k + (2 * k * (k + 1)) / (n - k - 1) +
    2 * n * unit * Math.LN2;
}

function outOfSample(
  model: Model,
  fitted: readonly Pair[],
  rest: readonly Pair[],
): number | undefined {
  const at = fitRival(model.model, fitted);
  if (at === undefined) return undefined;
  return Math.sqrt(rest.reduce((sum, pair) => sum + (at(pair) - pair.score) ** 2, 0) / rest.length);
}

function squaredError(model: Model, coefficients: number[], pairs: readonly Pair[]): number {
  return pairs.reduce((sum, pair) => sum + (model.at(coefficients, pair) - pair.score) ** 2, 0);
}

interface Separable {
  /** The function of a pair whose weight, besides a constant, is linear, at a shape. */
  factor(shape: readonly number[]): (pair: Pair) => number;
  /** Bounds of the shape. */
  low: number[];
  high: number[];
}

/** Steps of the search for a shape, relative to its values. */
const LARGEST_STEP = 0.5;
const FINEST_STEP = 1e-6;
const MOST_ROUNDS = 200;

/**
 * Fits a model that is linear in all but its shape (variable projection): for each shape the weights are
 * solved exactly, and the shape is searched from the best of a grid, along its axes, with steps that
 * double where one improves and halve where none does.
 */
function refine(
  pairs: readonly Pair[],
  shapes: number[][],
  { factor, low, high }: Separable,
): number[] {
  const values = new Float64Array(pairs.length);
  const scores = Float64Array.from(pairs, ({ score }) => score);
  const meanScore = meanOf(scores);
  const fitAt = (shape: number[]) => {
    const at = factor(shape);
    for (let i = 0; i < values.length; i++) values[i] = at(pairs[i]!);
    const weights = weightsOf(values, scores, meanScore);
    let error = 0;
    for (let i = 0; i < values.length; i++) {
      error += (weights[0] + weights[1] * values[i]! - scores[i]!) ** 2;
    }
    return { shape, weights, error: Number.isFinite(error) ? error : Infinity };
  };
  let best = shapes.map(fitAt).reduce((left, right) => right.error < left.error ? right : left);
  let scale = LARGEST_STEP;
  for (let round = 0; round < MOST_ROUNDS && scale > FINEST_STEP; round++) {
    const moved = best.shape.flatMap((value, i) =>
      [-scale, scale].map((step) => {
        const next = value + step * Math.max(Math.abs(value), 0.05 * (high[i]! - low[i]!));
        return fitAt(best.shape.with(i, Math.min(high[i]!, Math.max(low[i]!, next))));
      })
    ).reduce((left, right) => right.error < left.error ? right : left);
    if (moved.error < best.error) {
      best = moved;
      scale = Math.min(LARGEST_STEP, 2 * scale);
    } else scale /= 2;
  }
  return [...best.weights, ...best.shape];
}

function meanOf(values: Float64Array): number {
  let mean = 0;
  for (let i = 0; i < values.length; i++) mean += values[i]! / values.length;
  return mean;
}

/**
 * What {@linkcode leastSquares} gives, digit for digit, for a constant and one function: the search for
 * a shape asks for it hundreds of times a run.
 */
function weightsOf(
  values: Float64Array,
  scores: Float64Array,
  meanScore: number,
): readonly [number, number] {
  const mean = meanOf(values);
  let [product, target] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const centred = values[i]! - mean;
    target += centred * (scores[i]! - meanScore);
    product += centred * centred;
  }
  const weight = product > 0 ? target * (1 / product) : 0;
  return [meanScore - weight * mean, weight];
}

/**
 * Ordinary least squares by the normal equations of centred functions (the first is the constant), in
 * memory that does not grow with the pairs; functions that coincide share a weight.
 */
function leastSquares(pairs: readonly Pair[], basis: (pair: Pair) => number[]): number[] {
  const n = pairs.length;
  const means = basis(pairs[0]!).map(() => 0);
  let meanScore = 0;
  for (const pair of pairs) {
    for (const [i, value] of basis(pair).entries()) means[i]! += value / n;
    meanScore += pair.score / n;
  }
  const size = means.length - 1;
  const products = Matrix.zeros(size, size);
  const targets = Matrix.zeros(size, 1);
  for (const pair of pairs) {
    const values = basis(pair);
    for (let i = 0; i < size; i++) {
      const centred = values[i + 1]! - means[i + 1]!;
      targets.set(i, 0, targets.get(i, 0) + centred * (pair.score - meanScore));
      for (let j = 0; j < size; j++) {
        products.set(i, j, products.get(i, j) + centred * (values[j + 1]! - means[j + 1]!));
      }
    }
  }
  const weights = solve(products, targets, true).to1DArray();
  const constant = weights.reduce((rest, value, i) => rest - value * means[i + 1]!, meanScore);
  return [constant, ...weights];
}

/** How a rival and the law predict the second half of the pairs, as the end of a sentence; empty if unknown. */
export function outOfSampleText(rival: Rival, law: Rival): string {
  if (rival.outOfSample === undefined || law.outOfSample === undefined) return "";
  return `; RMSE of the second half from the first ${number(rival.outOfSample, 3)} against ${
    number(law.outOfSample, 3)
  }`;
}
