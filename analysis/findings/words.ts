import type { Point } from "../course.ts";
import { stepText } from "../step_text.ts";

/** How a finding begins where the log does not tell. */
export const CANNOT_TELL = "can't tell from this log";

/** A number to three digits, or as many as given. */
export function round(value: number, digits = 3): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : "beyond all measure";
}

/** A number with its sign, to two digits. */
export function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${round(Math.abs(value), 2)}`;
}

/** A share in percent, to two digits or three from 100 % on. */
export function percent(share: number): string {
  return Number.isFinite(100 * share)
    ? `${Number((100 * share).toPrecision(Math.abs(share) < 1 ? 2 : 3))} %`
    : "more than any percentage";
}

/** A point of a course: its value, to three digits or as many as given, and its step. */
export function pointText({ step, value }: Point, digits = 3): string {
  return `${round(value, digits)} at step ${stepText(step)}`;
}
