import { mean } from "simple-statistics";
import type { Curve } from "./paper_data.ts";

/** Values within this share of training on either side are averaged. */
const WINDOW = 1 / 100;

/** How much of its whole change a curve makes by shares of training. */
export interface SharesDone {
  /** For each share of training asked for, the share of the change: 0 at the start, 1 at the end. */
  readonly done: readonly number[];
  /** The whole change, end less start. */
  readonly change: number;
}

/**
 * How much of the whole change of a curve is done by shares of training, which are shares of the way from its first step
 * to its last. Its start is its first value, for it may change steeply from there; all others are means over 1/100 of
 * training to either side.
 *
 * @param curve In order of its steps.
 */
export function sharesDone(curve: Curve, shares: readonly number[]): SharesDone {
  const first = curve[0]!.value;
  const at = (share: number) => share === 0 ? first : around(curve, share);
  const change = at(1) - first;
  return { change, done: shares.map((share) => (at(share) - first) / change) };
}

/**
 * A curve when a share of training, of the way from its first step to its last, is over: the mean of its values within
 * 1/100 of training to either side, or the nearest value.
 */
export function around(curve: Curve, share: number): number {
  const first = curve[0]!.step;
  const length = curve.at(-1)!.step - first;
  const distance = ({ step }: Curve[number]) => Math.abs(step - first - share * length);
  const near = curve.filter((point) => distance(point) <= WINDOW * length);
  if (near.length > 0) return mean(near.map(({ value }) => value));
  return curve.reduce((best, point) => distance(point) < distance(best) ? point : best).value;
}
