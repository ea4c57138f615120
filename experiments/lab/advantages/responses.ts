import { LabError } from "../errors.ts";

/** B responses in T columns and their outcome rewards. */
export interface Responses {
  /** The outcome reward of each response, B numbers. */
  readonly rewards: ArrayLike<number>;
  /** The tokens of each response, B numbers from 0 to T. */
  readonly lengths: ArrayLike<number>;
  /** Columns T. */
  readonly columns: number;
}

/** Responses in groups: the first `group` are to the first prompt, and so on. */
export interface GroupedResponses extends Responses {
  /** Responses to each prompt, at least 2. */
  readonly group: number;
}

/** Responses of which no advantages can be made. */
export class AdvantageError extends LabError {
  /** The class, as `Error.name`. */
  override name = "AdvantageError";
}

/**
 * Throws unless there is a finite reward and a fitting length for each response.
 *
 * @throws {AdvantageError} naming the first thing that does not fit.
 */
export function checkResponses({ rewards, lengths, columns }: Responses): void {
  if (lengths.length !== rewards.length) {
    throw new AdvantageError(
      `there are ${lengths.length} lengths for ${rewards.length} rewards, expected as many.`,
    );
  }
  for (let row = 0; row < rewards.length; row++) {
    if (!Number.isFinite(rewards[row]!)) {
      throw new AdvantageError(`reward ${row} is ${rewards[row]}, expected a finite number.`);
    }
    const length = lengths[row]!;
    if (!(Number.isInteger(length) && length >= 0 && length <= columns)) {
      throw new AdvantageError(
        `length ${row} is ${length}, expected a number from 0 to ${columns}.`,
      );
    }
  }
}

/**
 * Throws unless the responses fit and are in whole groups.
 *
 * @throws {AdvantageError} naming the first thing that does not fit.
 */
export function checkGroups(responses: GroupedResponses): void {
  checkResponses(responses);
  const { rewards: { length }, group } = responses;
  if (!Number.isInteger(group) || group < 2) {
    throw new AdvantageError(`the group is ${group}, expected a whole number of at least 2.`);
  }
  if (length % group !== 0) {
    throw new AdvantageError(`there are ${length} rewards, expected whole groups of ${group}.`);
  }
}

/** The mean of the rewards of a response's group, and their standard deviation with Bessel's correction. */
export function groupStatistics(
  { rewards, group }: GroupedResponses,
  row: number,
): { mean: number; deviation: number } {
  const start = row - row % group;
  let [sum, squares] = [0, 0];
  for (let i = start; i < start + group; i++) sum += rewards[i]!;
  const mean = sum / group;
  for (let i = start; i < start + group; i++) squares += (rewards[i]! - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / (group - 1)) };
}

/** The same value for every token of a response, [B, T]; 0 for padding. */
export function everyToken(
  { rewards, lengths, columns }: Responses,
  valueOf: (row: number) => number,
): Float64Array<ArrayBuffer> {
  const values = new Float64Array(rewards.length * columns);
  for (let row = 0; row < rewards.length; row++) {
    values.fill(valueOf(row), row * columns, row * columns + lengths[row]!);
  }
  return values;
}
