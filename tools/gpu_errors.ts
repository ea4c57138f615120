import { UserError } from "../analysis/errors.ts";
import { GpuError } from "../kernels/runtime/errors.ts";

/**
 * Runs work on the GPU for a command.
 *
 * @throws {UserError} with the sentence of the GPU's error; other errors pass as they are.
 */
export async function withGpuErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GpuError) throw new UserError(error.message);
    throw error;
  }
}
