/**
 * A step in a sentence: as it is, where it is a whole number; of steps that are parts of an epoch, three
 * digits after the point, or three in all below 1.
 */
export function stepText(step: number): string {
  if (Number.isInteger(step)) return String(step);
  return String(Number(Math.abs(step) < 1 ? step.toPrecision(3) : step.toFixed(3)));
}

/** Whether steps are numbers of updates, and no parts of an epoch, so that none lies between two of them. */
export function areWhole(steps: ArrayLike<number>): boolean {
  return Array.from(steps).every(Number.isInteger);
}
