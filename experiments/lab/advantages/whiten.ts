import { AdvantageError, type Responses } from "./responses.ts";

/**
 * Shifts and scales the values of all response tokens to mean 0 and variance 1 in place, with the small
 * numbers of verl's `masked_whiten`: 1e-8 is added to the number of tokens and to the variance.
 *
 * @param values One for each token, [B, T]; padding holds and keeps 0.
 * @throws {AdvantageError} if there are fewer than two response tokens.
 */
export function whiten(values: Float64Array, { lengths, columns }: Responses): void {
  let [tokens, sum] = [0, 0];
  const eachToken = (visit: (i: number) => void) => {
    for (let row = 0; row < lengths.length; row++) {
      for (let i = row * columns; i < row * columns + lengths[row]!; i++) visit(i);
    }
  };
  eachToken((i) => {
    tokens++;
    sum += values[i]!;
  });
  if (tokens < 2) {
    throw new AdvantageError(`the batch has ${tokens} response tokens, expected at least 2.`);
  }
  const mean = sum / (tokens + 1e-8);
  let squares = 0;
  eachToken((i) => squares += (values[i]! - mean) ** 2);
  const variance = squares / (tokens + 1e-8) * tokens / (tokens - 1);
  const scale = 1 / Math.sqrt(variance + 1e-8);
  eachToken((i) => values[i] = (values[i]! - mean) * scale);
}
