import { readInvalidRows } from "../../kernels/mod.ts";
import { LabError } from "./errors.ts";

/**
 * Throws unless all numbers are finite.
 *
 * @param name What they are, as the sentence is to begin.
 * @throws {LabError} with the first that is not.
 */
export function expectFinite(name: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]!)) continue;
    throw new LabError(`${name} holds ${values[i]}, expected finite numbers.`);
  }
}

/**
 * Throws unless token statistics were made of valid logits; those of invalid ones are zeros, which look like
 * any other numbers.
 *
 * @param name Whose logits, as the sentence is to begin.
 * @param invalid `TokenStatistics.invalid`, or its first two words.
 * @throws {LabError} with the first token whose logits are invalid.
 */
export function expectValidLogits(name: string, invalid: Iterable<number>): void {
  const { first: token } = readInvalidRows(invalid);
  if (token === undefined) return;
  throw new LabError(
    `the logits of ${name} hold NaN or Inf at token ${token}, expected finite numbers.`,
  );
}

/**
 * The same of what was taken in parts: {@linkcode expectValidLogits} of each.
 *
 * @param invalid The first two words of each part, [parts, 2].
 * @throws {LabError} with the first token, counted within its part, whose logits are invalid.
 */
export function expectValidParts(name: string, invalid: Uint32Array): void {
  for (let part = 0; part < invalid.length; part += 2) {
    expectValidLogits(name, invalid.subarray(part, part + 2));
  }
}
