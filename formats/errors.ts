import { printable } from "./printable.ts";

/** The most characters of a message; of a longer one the middle is left out. */
export const LONGEST_MESSAGE = 500;

/**
 * An error that a user can act on: its message is one sentence that says what was wrong, where, and
 * what was expected, on one line that can be printed whatever the names in it. Commands print the
 * message alone and exit with code 1; any other error is a fault of this library and keeps its stack
 * trace.
 */
export class UserError extends Error {
  /** The class, as `Error.name`. */
  override name = "UserError";

  /** An error with the sentence for the user, which is shortened and escaped by `printable`. */
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message, LONGEST_MESSAGE), options);
  }
}

/** A file that cannot be read, or that does not hold what was asked of it. */
export class ReadError extends UserError {
  /** The class, as `Error.name`. */
  override name = "ReadError";
}
