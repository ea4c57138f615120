import { max, mean, min } from "simple-statistics";
import type { Curve } from "./paper_data.ts";

/** What several runs of one kind have at a step. */
export interface OverRuns {
  /** The step. */
  readonly step: number;
  /** Mean over the runs. */
  readonly value: number;
  /** The lowest of them. */
  readonly low: number;
  /** The highest of them. */
  readonly high: number;
}

/** Mean and range over runs, at the steps that all of them have. */
export function overRuns(curves: readonly Curve[]): OverRuns[] {
  const bySteps = Map.groupBy(curves.flat(), ({ step }) => step);
  return [...bySteps].filter(([, points]) => points.length === curves.length)
    .map(([step, points]) => {
      const values = points.map(({ value }) => value);
      return { step, value: mean(values), low: min(values), high: max(values) };
    })
    .sort((a, b) => a.step - b.step);
}
