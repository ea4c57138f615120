import { number } from "../../formats/number.ts";
import { stepText } from "../step_text.ts";
import { medianOf } from "../trend.ts";
import type { Series } from "./series.ts";

/** Fewer values on either side of a change do not tell it from a collapse to less than one percent. */
const FEWEST = 20;
/** Neighbours on one side are at most so many times as far apart as on the other. */
const ALIKE = 3;
/** A hundredth up to this factor is about a hundredth. */
const ABOUT = 2;

/** A series of an accuracy that goes over from percent to a fraction, or back. */
export interface UnitChange {
  /** The whole of it as a fraction. */
  readonly series: Series;
  /** What is to be noted of it, after its key. */
  readonly note: string;
}

/**
 * Where an accuracy goes over from percent to a fraction or back: all values on one side are above 1 and all on the
 * other are not, and once those are divided by 100 the course goes on there by no more than elsewhere, with a like
 * scatter on both sides, which a collapse to less than one percent would not. Undefined if it does not.
 */
export function unitChange({ steps, values }: Series): UnitChange | undefined {
  const at = sideChange(values);
  if (at === undefined || Math.min(at, values.length - at) < FEWEST) return undefined;
  const isPercentFirst = values[0]! > 1;
  const series = {
    steps,
    values: values.map((value, i) => (i < at) === isPercentFirst ? value / 100 : value),
  };
  const moves = series.values.subarray(1).map((value, i) => Math.abs(value - series.values[i]!));
  const sides = [moves.subarray(0, at - 1), moves.subarray(at)];
  if (!sides.some((side) => side.some((move) => move >= moves[at - 1]!))) return undefined;
  const [one, other] = sides.map(medianOf) as [number, number];
  if (Math.max(one, other) > ALIKE * Math.min(one, other)) return undefined;
  const [before, after] = [at - 1, at].map((i) =>
    `${number(values[i]!, 3)} at step ${stepText(steps[i]!)}`
  );
  return {
    series,
    note:
      `goes from ${before} to ${after}, which is taken for a change of its unit by a factor of 100: the values ${
        isPercentFirst
          ? `up to step ${stepText(steps[at - 1]!)}`
          : `from step ${stepText(steps[at]!)} on`
      } are in percent and were divided by 100.`,
  };
}

/** Whether a series falls to about a hundredth of itself, from where on all of it is a fraction. */
export function mayLosePercent({ values }: Series): boolean {
  const at = sideChange(values);
  if (at === undefined || !(values[0]! > 1)) return false;
  const ratio = values[at - 1]! / values[at]!;
  return ratio >= 100 / ABOUT && ratio <= 100 * ABOUT;
}

/** The place from which on all values are on the other side of 1 than all before; undefined if there is none. */
function sideChange(values: Float64Array): number | undefined {
  const isAbove = values[0]! > 1;
  const at = values.findIndex((value) => (value > 1) !== isAbove);
  if (at < 0 || values.some((value, i) => (value > 1) !== (i < at === isAbove))) return undefined;
  return at;
}
