import { ReadError } from "../formats/errors.ts";
import { type Effort, effortFor } from "./effort.ts";
import { LawError } from "./law_error.ts";
import { FIRST_15_PERCENT } from "./prediction.ts";
import type { Overview } from "./overview.ts";
import { fitRun, type RunFit } from "./run_fit.ts";

/** The fit of a run as `deno task fit` makes it, or in one sentence why there is none. */
export function tryFit(
  overview: Overview,
  effort: Effort = effortFor([overview.run.score?.values.length ?? 0]),
): RunFit | string {
  try {
    return fitRun(overview, { portion: FIRST_15_PERCENT, reverse: false, effort });
  } catch (error) {
    if (error instanceof LawError || error instanceof ReadError) return error.message;
    throw error;
  }
}
