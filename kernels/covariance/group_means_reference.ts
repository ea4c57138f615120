/**
 * Mean covariance of the max(⌊share·N⌋, 1) response tokens of highest covariance, for each share; NaN for all
 * where a response token has the covariance NaN, which has no place in the order.
 *
 * @param mask Not 0, whatever else, for response tokens; 0 for padding.
 */
export function groupMeansReference(
  covariance: ArrayLike<number>,
  mask: ArrayLike<number>,
  shares: readonly number[],
): number[] {
  const sorted = Array.from({ length: mask.length }, (_, i) => i)
    .filter((i) => mask[i] !== 0)
    .map((i) => covariance[i]!)
    .sort((p, q) => q - p);
  if (sorted.some(Number.isNaN)) return shares.map(() => NaN);
  return shares.map((share) => {
    const group = sorted.slice(0, Math.max(1, Math.floor(share * sorted.length)));
    if (group.length === 0) return 0;
    return group.reduce((sum, value) => sum + value, 0) / group.length;
  });
}
