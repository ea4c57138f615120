import { sampleCorrelation } from "simple-statistics";
import { bootstrapLine } from "../analysis/bootstrap.ts";
import type { Interval } from "../analysis/interval.ts";
import { fitLine } from "../analysis/line.ts";

/** How two series go together. */
export interface LineRelation {
  /** Pearson's correlation. */
  readonly correlation: number;
  /** Its interval. */
  readonly correlationInterval: Interval;
  /** The slope of the line by least squares. */
  readonly slope: number;
  /** Its interval. */
  readonly slopeInterval: Interval;
}

/**
 * The correlation of two series of successive steps and the slope of the line through them, with 95 % intervals that
 * account for their autocorrelation.
 *
 * @throws {LawError} as {@linkcode bootstrapLine}.
 */
export function lineRelation(x: readonly number[], y: readonly number[]): LineRelation {
  const { slope, intercept } = fitLine(x, y);
  const residuals = y.map((value, i) => value - intercept - slope * x[i]!);
  const slopeInterval = bootstrapLine(x, residuals, { slope, intercept }).interval(0, 1);
  const correlation = sampleCorrelation([...x], [...y]);
  // The correlation is the slope in units of both deviations, and so is its interval.
  const unit = slope === 0 ? 0 : correlation / slope;
  const [low, high] = slopeInterval.map((end) => Math.max(-1, Math.min(1, end * unit)));
  return { correlation, correlationInterval: [low!, high!], slope, slopeInterval };
}
