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

/** Names in a row: `a, b and c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
