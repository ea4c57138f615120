import { isDeepStrictEqual } from "node:util";
import type { AdapterInfo } from "../../../kernels/mod.ts";
import { shown } from "../schema.ts";
import { RunLogError } from "./log_file.ts";

/** What makes a run the run that it is: with the same code, on the same adapter, it writes the same log. */
export interface RunIdentity {
  /** Every setting. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** The seed that all random numbers follow from. */
  readonly seed: number;
  /** The base model. */
  readonly base: {
    /** Its name. */
    readonly model: string;
    /** SHA-256 of its configuration and parameters, in hexadecimal. */
    readonly sha256: string;
  };
}

/** What a run is: the content of the first line of its log. */
export interface RunDescription extends RunIdentity {
  /** The version of the code, such as a commit. */
  readonly code_version: string;
  /** What it ran on. */
  readonly adapter: AdapterInfo;
}

/**
 * One log or checkpoint is of one configuration, seed and base model; code and adapter may change on the way.
 *
 * @param where What was begun.
 * @throws {RunLogError} naming the first setting that differs.
 */
export function expectSameRun(
  where: string,
  before: Readonly<Record<string, unknown>>,
  now: RunIdentity,
): void {
  const [old, current] = [flat(before), flat(asJson(now))];
  for (const name of new Set([...Object.keys(old), ...Object.keys(current)])) {
    if (isDeepStrictEqual(old[name], current[name])) continue;
    throw new RunLogError(
      `${where} was begun with ${name} ${shown(old[name])}, expected the same to resume it, not ${
        shown(current[name])
      }.`,
    );
  }
}

/** What has to be the same, by the names that a sentence has for it. */
function flat(run: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { model, sha256 } = (run["base"] ?? {}) as Record<string, unknown>;
  return {
    ...run["configuration"] as Record<string, unknown>,
    seed: run["seed"],
    "base model": model,
    "base model of SHA-256": sha256,
  };
}

/** A run as a log or a checkpoint gives it back. */
export function asJson(run: RunIdentity): Record<string, unknown> {
  return JSON.parse(JSON.stringify(run));
}
