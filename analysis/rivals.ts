import { levenbergMarquardt } from "ml-levenberg-marquardt";
import { Matrix, solve } from "ml-matrix";
import { FEWEST_PAIRS, fitCurve } from "./law.ts";
import type { Pair } from "./pairs.ts";

/** A form of R that can be compared with the law. */
export type RivalName = "law" | "linear" | "quadratic" | "power" | "sigmoid";

/** One form of R, fitted to the same pairs as the others. */
export interface Rival {
  /** `law`: −a·exp(H) + b. `linear`, `quadratic`: in H. `power`: c0 + c1·H^c2. `sigmoid`: in the step. */
  readonly model: RivalName;
  /** The fitted coefficients, in the order of the formula. */
  readonly coefficients: readonly number[];
  /** Root mean squared residual over all pairs, in units of R. */
  readonly rmse: number;
  /**
   * Akaike's information criterion with its small-sample correction; the variance counts as a
   * parameter. Undefined where there are too few pairs for it.
   */
  readonly aicc: number | undefined;
  /** Root mean squared error over the second half of the pairs when fitted to the first half. */
  readonly outOfSample: number | undefined;
}

interface Model {
  readonly model: RivalName;
  readonly formula: string;
  readonly coefficients: number;
  fit(pairs: readonly Pair[]): number[];
  at(coefficients: readonly number[], pair: Pair): number;
}

const MODELS: readonly Model[] = [
  {
    model: "law",
    formula: "R = −a·exp(H) + b",
    coefficients: 2,
    fit(pairs) {
      const { a, b } = fitCurve(pairs);
      return [a, b];
    },
    at: ([a, b], { entropy }) => b! - a! * Math.exp(entropy),
  },
  {
    model: "linear",
    formula: "R = c0 + c1·H",
    coefficients: 2,
    fit: (pairs) => leastSquares(pairs, ({ entropy }) => [1, entropy]),
    at: ([c0, c1], { entropy }) => c0! + c1! * entropy,
  },
  {
    model: "quadratic",
    formula: "R = c0 + c1·H + c2·H²",
    coefficients: 3,
    fit: (pairs) => leastSquares(pairs, ({ entropy }) => [1, entropy, entropy ** 2]),
    at: ([c0, c1, c2], { entropy }) => c0! + c1! * entropy + c2! * entropy ** 2,
  },
  {
    model: "power",
    formula: "R = c0 + c1·H^c2",
    coefficients: 3,
    fit(pairs) {
      const powers = [0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 4];
      return refine(pairs, powers.map((power) => [power]), {
        basis: ([power], { entropy }) => [1, entropy ** power!],
        low: [0.02],
        high: [10],
        weight: Infinity,
      });
    },
    at: ([c0, c1, c2], { entropy }) => c0! + c1! * entropy ** c2!,
  },
  {
    model: "sigmoid",
    formula: "R = c0 + c1 / (1 + exp(−(step − c2)/c3))",
    coefficients: 4,
    fit(pairs) {
      const first = pairs[0]!.step;
      const length = pairs.at(-1)!.step - first || 1;
      const starts = [-0.5, -0.2, 0, 0.1, 0.2, 0.35, 0.5, 0.75, 1].flatMap((middle) =>
        [0.02, 0.05, 0.1, 0.2, 0.4, 0.8].map((width) => [first + middle * length, width * length])
      );
      return refine(pairs, starts, {
        basis: ([middle, width], { step }) => [1, 1 / (1 + Math.exp(-(step - middle!) / width!))],
        low: [first - length, 0.005 * length],
        high: [first + 3 * length, 3 * length],
        // Plateaus far beyond any score would make it an exponential in the step.
        weight: 10 * Math.max(...pairs.map(({ score }) => Math.abs(score))),
      });
    },
    at: ([c0, c1, c2, c3], { step }) => c0! + c1! / (1 + Math.exp(-(step - c2!) / c3!)),
  },
];

/** The formula of a model, for a person. */
export function formulaOf(name: RivalName): string {
  return MODELS.find(({ model }) => model === name)!.formula;
}

/**
 * Fits the law and its rivals to the same pairs by least squares: linear and quadratic in H, a power
 * law in H, a sigmoid in the step. Best AICc first. A power law needs H > 0 in all pairs and is left out
 * where that fails.
 *
 * @throws {LawError} as `fitLaw` does.
 */
export function compareRivals(pairs: readonly Pair[]): Rival[] {
  fitCurve(pairs);
  const half = Math.ceil(pairs.length / 2);
  const usable = MODELS.filter(({ model, coefficients }) =>
    (model !== "power" || pairs.every(({ entropy }) => entropy > 0)) && pairs.length > coefficients
  );
  return usable.map((model): Rival => {
    const coefficients = model.fit(pairs);
    const squared = squaredError(model, coefficients, pairs);
    return {
      model: model.model,
      coefficients,
      rmse: Math.sqrt(squared / pairs.length),
      aicc: aicc(squared, pairs, model.coefficients),
      outOfSample: outOfSample(model, pairs.slice(0, half), pairs.slice(half)),
    };
  }).sort((left, right) => (left.aicc ?? Infinity) - (right.aicc ?? Infinity));
}

function aicc(squared: number, pairs: readonly Pair[], coefficients: number): number | undefined {
  const n = pairs.length;
  const k = coefficients + 1;
  if (n - k - 1 <= 0) return undefined;
  // Rounding alone leaves this much, so noiseless pairs compare as equals.
  const largest = Math.max(...pairs.map(({ score }) => Math.abs(score)));
  const floor = n * (largest * 1e-12) ** 2;
  return n * Math.log(Math.max(squared, floor) / n) + 2 * k + (2 * k * (k + 1)) / (n - k - 1);
}

function outOfSample(
  model: Model,
  fitted: readonly Pair[],
  rest: readonly Pair[],
): number | undefined {
  if (fitted.length < FEWEST_PAIRS || fitted.length <= model.coefficients || isConstant(fitted)) {
    return undefined;
  }
  const coefficients = model.fit(fitted);
  return Math.sqrt(squaredError(model, coefficients, rest) / rest.length);
}

function isConstant(pairs: readonly Pair[]): boolean {
  const [first] = pairs;
  return pairs.every(({ entropy }) => entropy === first!.entropy) ||
    pairs.every(({ score }) => score === first!.score);
}

function squaredError(model: Model, coefficients: number[], pairs: readonly Pair[]): number {
  return pairs.reduce((sum, pair) => sum + (model.at(coefficients, pair) - pair.score) ** 2, 0);
}

interface Separable {
  /** The functions whose weights are linear, at the coefficients that are not. */
  basis(shape: readonly number[], pair: Pair): number[];
  /** Bounds of the shape. */
  low: number[];
  high: number[];
  /** Largest absolute value of a linear weight. */
  weight: number;
}

/**
 * Fits a model that is linear in all but its shape: the best of a grid of shapes, each with its linear
 * weights solved exactly, is where Levenberg-Marquardt starts. The better of start and end is returned.
 */
function refine(
  pairs: readonly Pair[],
  shapes: number[][],
  { basis, low, high, weight }: Separable,
): number[] {
  const value = (parameters: readonly number[], pair: Pair) => {
    const [constant, factor] = basis(parameters.slice(2), pair);
    return parameters[0]! * constant! + parameters[1]! * factor!;
  };
  const error = (parameters: readonly number[]) =>
    pairs.reduce((sum, pair) => sum + (value(parameters, pair) - pair.score) ** 2, 0);
  const starts = shapes
    .map((shape) => [...leastSquares(pairs, (pair) => basis(shape, pair)), ...shape])
    .map((parameters) => ({ parameters, error: error(parameters) }))
    .filter(({ parameters, error }) =>
      Number.isFinite(error) && Math.abs(parameters[0]!) <= weight &&
      Math.abs(parameters[1]!) <= weight
    )
    .sort((left, right) => left.error - right.error);
  const start = starts[0]!;
  const { parameterValues } = levenbergMarquardt(
    { x: pairs.map((_, i) => i), y: pairs.map(({ score }) => score) },
    (parameters) => (i) => value(parameters, pairs[i]!),
    {
      initialValues: start.parameters,
      minValues: [-weight, -weight, ...low],
      maxValues: [weight, weight, ...high],
      maxIterations: 200,
      damping: 1e-3,
      errorTolerance: 1e-14,
    },
  );
  return error(parameterValues) < start.error ? parameterValues : start.parameters;
}

/** Ordinary least squares by singular values: basis functions that coincide share a weight. */
function leastSquares(pairs: readonly Pair[], basis: (pair: Pair) => number[]): number[] {
  const design = new Matrix(pairs.map(basis));
  const target = Matrix.columnVector(pairs.map(({ score }) => score));
  return solve(design, target, true).to1DArray();
}
