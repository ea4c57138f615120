import type { Gpu } from "../runtime/gpu.ts";

/** The conformance of one kernel: runs it on the GPU and tells the tally how it compares with its reference. */
export interface Check {
  /** The kernel's name. */
  readonly name: string;
  /** Runs all cases. Errors of the GPU are thrown. */
  readonly run: (gpu: Gpu, tally: Tally) => Promise<void>;
}

/** What a kernel's cases came to. */
export interface CheckResult {
  /** The kernel's name. */
  readonly name: string;
  /** Number of cases. */
  readonly cases: number;
  /** How many failed. */
  readonly failed: number;
  /** Largest |actual − expected|. */
  readonly maxAbsoluteError: number;
  /**
   * Largest |actual − expected| as a share of the largest |expected| of its case, cases below 1e-6 left
   * out: there only the absolute error means something.
   */
  readonly maxRelativeError: number;
  /** What the first few failed cases were. */
  readonly failures: readonly string[];
}

const MOST_FAILURES = 5;
const SMALLEST_SCALE = 1e-6;

/** Counts the cases of one kernel. */
export class Tally {
  #name: string;
  #cases = 0;
  #failed = 0;
  #absolute = 0;
  #relative = 0;
  #failures: string[] = [];

  /** @param name The kernel's name. */
  constructor(name: string) {
    this.#name = name;
  }

  /** One case: whether something holds. */
  that(label: string, holds: boolean, detail = "does not hold"): void {
    this.#cases++;
    if (holds) return;
    this.#failed++;
    if (this.#failures.length < MOST_FAILURES) this.#failures.push(`${label}: ${detail}`);
  }

  /** One case: every element equals what is expected, bit by bit but for the sign of zero. */
  same(label: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
    this.near(label, actual, expected, 0);
  }

  /**
   * One case: no element is further from what is expected than the tolerance, which is one for all or
   * one for each. Only NaN is near NaN, and only infinity near infinity.
   */
  near(
    label: string,
    actual: ArrayLike<number>,
    expected: ArrayLike<number>,
    tolerance: number | ArrayLike<number>,
  ): void {
    if (actual.length !== expected.length) {
      return this.that(label, false, `${actual.length} elements, expected ${expected.length}`);
    }
    let wrong = -1;
    let [largest, scale] = [0, 0];
    for (let i = 0; i < actual.length; i++) {
      const limit = typeof tolerance === "number" ? tolerance : tolerance[i]!;
      const isSame = Object.is(actual[i], expected[i]);
      const error = isSame ? 0 : Math.abs(actual[i]! - expected[i]!);
      if (Number.isFinite(expected[i])) scale = Math.max(scale, Math.abs(expected[i]!));
      // NaN is never within the limit.
      if (!isSame && !(error <= limit) && wrong < 0) wrong = i;
      largest = Math.max(largest, Number.isNaN(error) ? Infinity : error);
    }
    this.#absolute = Math.max(this.#absolute, largest);
    if (scale >= SMALLEST_SCALE) this.#relative = Math.max(this.#relative, largest / scale);
    const limit = typeof tolerance === "number" ? tolerance : tolerance[wrong];
    this.that(
      label,
      wrong < 0,
      `element ${wrong} is ${actual[wrong]}, expected ${expected[wrong]} ± ${limit}`,
    );
  }

  /** What the cases came to. */
  result(): CheckResult {
    return {
      name: this.#name,
      cases: this.#cases,
      failed: this.#failed,
      maxAbsoluteError: this.#absolute,
      maxRelativeError: this.#relative,
      failures: this.#failures,
    };
  }
}

/** The distance of neighbouring float32 numbers at x. */
export function ulp(x: number): number {
  return Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23));
}

/** Each element's own tolerance: so many units in its last place. */
export function ulps(expected: ArrayLike<number>, count: number): Float64Array {
  return Float64Array.from(expected, (value) => count * ulp(value));
}

/**
 * The tolerance that a plain float32 computation sets: twice its largest error, and a few units in the
 * last place of the largest number, since two ways of rounding differ by that.
 */
export function asFloat32(expected: ArrayLike<number>, plain: ArrayLike<number>): number {
  // Smaller numbers than this are zero for all that matters.
  let [error, scale] = [0, 1e-20];
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Math.abs(plain[i]! - expected[i]!));
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return 2 * error + 4 * ulp(scale);
}

/** The tolerance of the golden cases: 1e-6 + 1e-5·|expected|. */
export function goldenTolerance(expected: ArrayLike<number>): Float64Array {
  return Float64Array.from(expected, (value) => 1e-6 + 1e-5 * Math.abs(value));
}
