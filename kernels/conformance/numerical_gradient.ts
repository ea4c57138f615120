/** The gradient of a function by central differences of fourth order. */
export function numericalGradient(
  objective: (at: Float64Array) => number,
  at: Float64Array,
  step = 1e-3,
): Float64Array {
  return at.map((value, i) => {
    const moved = (by: number) => {
      const copy = at.slice();
      copy[i] = value + by;
      return objective(copy);
    };
    return (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step);
  });
}
