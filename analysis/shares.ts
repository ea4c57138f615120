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
  const first = curve[0]!;
  const length = curve.at(-1)!.step - first.step;
  const at = (share: number) => {
    if (share === 0) return first.value;
    const middle = first.step + share * length;
    const distance = (point: Curve[number]) => Math.abs(point.step - middle);
    const near = curve.filter((point) => distance(point) <= WINDOW * length);
    if (near.length > 0) return mean(near.map(({ value }) => value));
    return curve.reduce((best, point) => distance(point) < distance(best) ? point : best).value;
  };
  const change = at(1) - first.value;
  return { change, done: shares.map((share) => (at(share) - first.value) / change) };
}
