import { median } from "simple-statistics";
import type { ScoreSeries } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import { stepText } from "./step_text.ts";

/** Where a score stands at the start and now: values that were logged. */
export interface ScoreEnds {
  /** The first score; where they are noisy, the median of the first five. */
  readonly start: number;
  /** The last score; where they are noisy, the median of the last five. */
  readonly now: number;
  /** What they are and their steps, in words. */
  readonly evidence: string;
}

/** As many scores that are not validations are of single batches, and noisy. */
const MANY = 50;
const MEDIAN_WIDTH = 5;

/** The ends of a score; undefined for fewer than two values. */
export function scoreEnds(
  { steps, values }: Series,
  kind: ScoreSeries["kind"],
): ScoreEnds | undefined {
  if (values.length < 2) return undefined;
  const [first, last] = [steps[0]!, steps.at(-1)!];
  if (kind === "validation" || values.length < MANY) {
    return {
      start: values[0]!,
      now: values.at(-1)!,
      evidence: `steps ${stepText(first)} and ${stepText(last)}`,
    };
  }
  return {
    start: median(Array.from(values.subarray(0, MEDIAN_WIDTH))),
    now: median(Array.from(values.subarray(-MEDIAN_WIDTH))),
    evidence: `medians of the first and last ${MEDIAN_WIDTH} scores, steps ${stepText(first)} to ${
      stepText(last)
    }`,
  };
}
