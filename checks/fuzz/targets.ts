import { dirname, join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import { ReadError, UserError } from "../../formats/errors.ts";
import { LawError } from "../../analysis/law_error.ts";
import { fitLaw } from "../../analysis/law.ts";
import { pairs } from "../../analysis/pairs.ts";
import { FIRST_15_PERCENT, predictFrom } from "../../analysis/prediction.ts";
import { readRuns } from "../../analysis/readers/read_run.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { compareRivals } from "../../analysis/rivals.ts";
import { covarianceReport } from "../../analysis/tokens/covariance_report.ts";
import { readTokens } from "../../analysis/tokens/read_tokens.ts";
import { selectedTokens } from "../../analysis/tokens/selected_tokens.ts";
import { readCheckpoint } from "../../experiments/lab/checkpoint.ts";
import type { Corpus, Entry, TargetName } from "./corpus.ts";
import type { Input } from "./make_input.ts";

/** A result that no input may have, although nothing was thrown. */
export class WrongResult extends Error {
  /** The class, as `Error.name`. */
  override name = "WrongResult";
}

/**
 * Puts the bytes of an input in the place of its entry, and reads that as a user's command does. Errors that
 * are sentences for users are taken as an answer.
 *
 * @throws {WrongResult} if a number that is returned is NaN or infinite.
 * @throws What a user should never see.
 */
export type Target = (input: Omit<Input, "target">) => Promise<void>;

/** The targets, with files in a folder of their own. */
export function makeTargets(folder: string, corpus: Corpus): Record<TargetName, Target> {
  const path = join(folder, INPUT);
  return {
    async readers({ bytes, isDeep }) {
      Deno.writeFileSync(path, bytes);
      await answered(UserError, async () => {
        for (const run of await readRuns(path)) checkRun(run, isDeep);
      });
    },
    async tokens({ bytes, isDeep }) {
      Deno.writeFileSync(path, bytes);
      await answered(UserError, async () => {
        using tokens = await readTokens(path);
        if (!isDeep) return;
        const report = covarianceReport(tokens);
        expectFinite("the report", report);
        for (const token of selectedTokens(tokens, report)) expectFinite("a token", token);
      });
    },
    checkpoints: checkpoints(join(folder, CHECKPOINTS), corpus.checkpoints),
  };
}

/** What the targets leave in their folder. */
export const [INPUT, CHECKPOINTS] = ["input", "checkpoints"] as const;

/** What `fit` and `diagnose` do with a run. */
function checkRun(run: Run, isDeep: boolean): void {
  expectFinite("the run's steps", run.steps);
  expectFinite("the entropy", run.entropy);
  expectFinite("the score", run.score);
  if (!isDeep) return;
  const attempt = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof LawError || error instanceof ReadError)) throw error;
    }
  };
  attempt(() => diagnose(run));
  attempt(() => {
    const pairing = pairs(run);
    expectFinite("the fit", fitLaw(pairing));
    attempt(() => expectFinite("the prediction", predictFrom(pairing, FIRST_15_PERCENT)));
    attempt(() => expectFinite("the rivals", compareRivals(pairing)));
  });
}

/** A checkpoint is a folder: the others of its files are as they are in the corpus. */
function checkpoints(folder: string, entries: readonly Entry[]): Target {
  for (const { name, bytes } of entries) {
    const path = join(folder, name);
    Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.writeFileSync(path, bytes);
  }
  return async ({ entry, bytes }) => {
    const path = join(folder, entry.name);
    Deno.writeFileSync(path, bytes);
    try {
      await answered(UserError, async () => {
        const { config, parameters, optimizer } = await readCheckpoint(dirname(path));
        expectFinite("the configuration", config);
        expectFinite("the optimizer's step", optimizer?.step);
        for (const [name, { shape, data }] of parameters) {
          if (shape.reduce((product, extent) => product * extent, 1) === data.length) continue;
          throw new WrongResult(`${name} has ${data.length} values in the shape [${shape}].`);
        }
      });
    } finally {
      Deno.writeFileSync(path, entry.bytes);
    }
  };
}

/** Does the work; an error of this kind is an answer to a damaged file. */
async function answered(
  Answer: abstract new (...args: never[]) => Error,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Answer)) throw error;
  }
}

/** Every number within a value is finite. */
function expectFinite(what: string, value: unknown): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new WrongResult(`${what} holds ${value}.`);
  }
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Float64Array) {
    const bad = value.find((number) => !Number.isFinite(number));
    if (bad !== undefined) throw new WrongResult(`${what} holds ${bad}.`);
    return;
  }
  for (const [key, inner] of Object.entries(value)) expectFinite(`${what}: ${key}`, inner);
}
