import { UserError } from "../../formats/errors.ts";
import { DeviceLostError, GpuError } from "../../kernels/mod.ts";

/** An error that a user of the lab can act on. Any other error is a fault of the lab. */
export class LabError extends UserError {
  /** The class, as `Error.name`. */
  override name = "LabError";
}

/** What was to be made is being made by another process. */
export class BusyError extends LabError {
  /** The class, as `Error.name`. */
  override name = "BusyError";
}

/**
 * Does the work of a step of training, and names the step in errors that a user can act on.
 *
 * @throws {DeviceLostError} if the GPU was lost, {@linkcode GpuError} for its other errors.
 * @throws {LabError} for an error of the lab, {@linkcode UserError} for others of that kind; it is the cause.
 */
export async function inStep<T>(step: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    for (const Kind of [DeviceLostError, GpuError, LabError, UserError]) {
      if (cause instanceof Kind) throw new Kind(`step ${step}: ${cause.message}`, { cause });
    }
    throw cause;
  }
}
