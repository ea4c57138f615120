/** A numeral with a minus sign where JavaScript writes a hyphen. */
export function withMinus(numeral: string): string {
  return numeral.replace(/^-/, "−");
}

/** A number to so many decimals, for readers. */
export function fixed(value: number, decimals: number): string {
  return withMinus(value.toFixed(decimals));
}
