/**
 * Numbers the stretches of a curve without gaps, so that it is drawn broken where points are missing:
 * a new stretch begins where the distance to the last point is more than three times the median one.
 *
 * @param points In ascending order of `step`.
 */
export function segments<Point extends { readonly step: number }>(
  points: readonly Point[],
): (Point & { segment: number })[] {
  const gaps = points.slice(1).map(({ step }, i) => step - points[i]!.step).sort((a, b) => a - b);
  const widest = 3 * (gaps[gaps.length >> 1] ?? 0);
  let segment = 0;
  return points.map((point, i) => {
    if (i > 0 && point.step - points[i - 1]!.step > widest) segment++;
    return { ...point, segment };
  });
}
