/** The 97.5 % quantiles of Student's t distribution for 1, 2, … degrees of freedom. */
const QUANTILES = [
  12.706,
  4.303,
  3.182,
  2.776,
  2.571,
  2.447,
  2.365,
  2.306,
  2.262,
  2.228,
  2.201,
  2.179,
  2.16,
  2.145,
  2.131,
  2.12,
  2.11,
  2.101,
  2.093,
  2.086,
];

/** How many standard errors a 95 % interval reaches to either side; beyond 20 degrees of freedom slightly too many. */
export function studentT(degreesOfFreedom: number): number {
  return QUANTILES[degreesOfFreedom - 1] ?? QUANTILES.at(-1)!;
}
