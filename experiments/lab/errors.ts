import { DeviceLostError, GpuError } from "../../kernels/mod.ts";

/**
 * An error that a user of the lab can act on: its message is one sentence that says what was wrong, where,
 * and what was expected. Any other error is a fault of the lab.
 */
export class LabError extends Error {
  /** The class, as `Error.name`. */
  override name = "LabError";
}

/**
 * Does the work of a step of training, and names the step in errors that a user can act on.
 *
 * @throws {DeviceLostError} if the GPU was lost, {@linkcode GpuError} for its other errors.
 * @throws {LabError} for an error of the lab, which is its cause.
 */
export async function inStep<T>(step: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    for (const Kind of [DeviceLostError, GpuError, LabError]) {
      if (cause instanceof Kind) throw new Kind(`step ${step}: ${cause.message}`, { cause });
    }
    throw cause;
  }
}
