/**
 * An error that a user of the lab can act on: its message is one sentence that says what was wrong, where,
 * and what was expected. Any other error is a fault of the lab.
 */
export class LabError extends Error {
  /** The class, as `Error.name`. */
  override name = "LabError";
}
