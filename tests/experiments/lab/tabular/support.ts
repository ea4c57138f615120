import assert from "node:assert/strict";

/** Fails unless two numbers are as close as `tolerance`, or relatively so if they are large. */
export function assertClose(actual: number, expected: number, tolerance: number): void {
  const distance = Math.abs(actual - expected);
  assert(
    distance <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual} is not ${expected}: off by ${distance}`,
  );
}

/** The gradient of a function at a point, by central differences. */
export function differences(
  point: readonly number[],
  value: (point: readonly number[]) => number,
): number[] {
  const width = 1e-5;
  return point.map((_, i) => {
    const moved = (by: number) => value(point.with(i, point[i]! + by));
    return (moved(width) - moved(-width)) / (2 * width);
  });
}
