import { ReadError } from "./errors.ts";

/** An error of the system as one that says which file cannot be read, and why. */
export function asReadError(name: string, error: unknown): ReadError {
  if (error instanceof ReadError) return error;
  if (error instanceof Deno.errors.NotFound) return new ReadError(`${name} does not exist.`);
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return new ReadError(`${name} cannot be read: permission denied.`);
  }
  return new ReadError(`${name} cannot be read: ${(error as Error).message}.`);
}
