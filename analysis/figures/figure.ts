import type { TopLevelSpec } from "vega-lite";

/** A number of a figure: what the paper states, and what its data or ours show. */
export interface Measurement {
  /** What is measured, with its unit. */
  readonly quantity: string;
  /** What the paper states, or undefined where it states nothing. */
  readonly paper?: string;
  /** What we measure. */
  readonly measured: string;
}

/** A figure or table, ready to be drawn and explained. */
export interface Figure {
  /** File name without its ending, such as `fig01_right`; of ours beside one of the paper, `fig01_right_lab`. */
  readonly id: string;
  /** Short name, such as `Figure 1, right`. */
  readonly title: string;
  /** What one sees, in our words. */
  readonly caption: string;
  /** Where the data come from and how exact they are. */
  readonly source: string;
  /** The names of the runs whose logs in results/logs it is drawn from; missing where there are none. */
  readonly runs?: readonly string[];
  /** The picture. */
  readonly spec: TopLevelSpec;
  /** The numbers. */
  readonly measurements: readonly Measurement[];
}
