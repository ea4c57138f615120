import { UserError } from "../formats/errors.ts";

/**
 * Why {@linkcode LawError} was thrown. `constant-entropy` and `constant-score` hold for values that
 * move by no more than rounding, too; `out-of-range`: a value or a result is too large or too small
 * for 64-bit floats.
 */
export type LawErrorCode =
  | "too-few-pairs"
  | "constant-entropy"
  | "constant-score"
  | "not-finite"
  | "out-of-range"
  | "no-split";

/** Pairs to which R = −a·exp(H) + b cannot be fitted. */
export class LawError extends UserError {
  /** The class, as `Error.name`. */
  override name = "LawError";
  /** The reason, for code that wants to react to it. */
  readonly code: LawErrorCode;

  /** An error with the reason and the sentence for the user. */
  constructor(code: LawErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
