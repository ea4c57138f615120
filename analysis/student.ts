/**
 * A quantile of Student's t by Cornish and Fisher's expansion; that of 95 % is within 1 % from 3 degrees on.
 *
 * @param z The same quantile of the standard normal distribution, by default that of 95 %.
 */
export function studentQuantile(degrees: number, z = 1.6448536269514722): number {
  return z + (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3);
}
