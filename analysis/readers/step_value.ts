/** What a step is to be. */
export const EXPECTED = "0 to 2^53 − 1";

/**
 * Whether a number can be a step: finite, not negative, and small enough to be told from the next one.
 * It may be a fraction, as loggers that average rows write it.
 */
export function isStep(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

/** A step as a number, as a table writes it, or as ms-swift does (`5/100`). */
export function toStep(value: unknown): number | undefined {
  let step: number;
  if (typeof value === "number") step = value;
  else if (typeof value === "string") {
    const match = /^\s*(\d+(?:\.\d+)?(?:[eE]\+?\d+)?)(?:\/\d+)?\s*$/.exec(value);
    if (match === null) return undefined;
    step = Number(match[1]);
  } else return undefined;
  return isStep(step) ? step : undefined;
}

/** A name of the step with what stands under it and cannot be one. */
export interface Refused {
  /** The name. */
  readonly name: string;
  /** What stands there. */
  readonly value: number | string;
}

/** Whether something stands where a step could. */
export function isThere(value: unknown): value is number | string {
  return typeof value === "number" || (typeof value === "string" && value.trim() !== "");
}

/** What stands in place of a step, no longer than it helps. */
export function shown({ value }: Refused): string {
  return String(value).trim().slice(0, 24);
}

/** That what stands under a name of the step cannot be one. */
export function complaintOf(refused: Refused): string {
  return `what stands under ${refused.name} is no step ("${shown(refused)}", expected ${EXPECTED})`;
}
