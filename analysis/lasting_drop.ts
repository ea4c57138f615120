import type { Point } from "./course.ts";
import type { Jump } from "./jump.ts";
import type { Series } from "./readers/series.ts";

/** One step of so much of a fall is the fall … */
const NEARLY_ALL = 0.8;
/** … if it is also so many standard deviations of a value. */
const DEVIATIONS = 8;
/** One low value does not tell that it stays. */
const FEWEST_AFTER = 2;

/**
 * The one step of a series that is nearly all of its fall, where every later value stays in the lower half of it;
 * undefined where there is none. It needs fewer values about it than a jump.
 *
 * @param fall From the height of the series to its end.
 * @param scatter The standard deviation of a value.
 */
export function lastingDrop(
  { steps, values }: Series,
  { fall, scatter }: { readonly fall: number; readonly scatter: number },
): Pick<Jump, "before" | "after"> | undefined {
  const stepDown = (i: number) => values[i - 1]! - values[i]!;
  let at = 1;
  for (let i = 2; i < values.length; i++) if (stepDown(i) > stepDown(at)) at = i;
  const size = stepDown(at);
  if (!(size > NEARLY_ALL * fall && size > DEVIATIONS * scatter)) return undefined;
  const after = values.subarray(at);
  const middle = values[at]! + size / 2;
  if (after.length < FEWEST_AFTER || !after.every((value) => value < middle)) return undefined;
  const point = (i: number): Point => ({ step: steps[i]!, value: values[i]! });
  return { before: point(at - 1), after: point(at) };
}
