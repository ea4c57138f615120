/** What claims ask of the study's logs, and the numbers of a run that several of them are judged by. */
import { max, mean, sampleRankCorrelation } from "simple-statistics";
import type { Evidence, Observation } from "../../analysis/claims.ts";
import type { Interval } from "../../analysis/interval.ts";
import { fitLaw, type LawFit } from "../../analysis/law.ts";
import { LawError } from "../../analysis/law_error.ts";
import type { Curve } from "../../analysis/paper_data.ts";
import { around } from "../../analysis/shares.ts";
import { endOf } from "../conditions.ts";
import { ENTROPY } from "../courses.ts";
import { BASE_MODELS, nonEmbeddingParameters } from "../lab/families.ts";
import { baseModelName } from "../lab/train_settings.ts";
import { lineRelation } from "../line_relation.ts";
import type { StudyLog } from "../study_log.ts";

/** The logs of the study. */
export interface ClaimLogs {
  /** Those of some figures' runs, each once, by the figures' tasks. */
  of(...figures: readonly string[]): readonly StudyLog[];
}

/** R of each validation, a fraction. */
export function accuracyOf({ pairs }: StudyLog): Curve {
  return pairs.map(({ step, score }) => ({ step, value: score }));
}

/** The mean of a curve of a run over the last twelfth of training; NaN where it has no values there. */
export function atEnd({ run }: StudyLog, curve: Curve): number {
  const { steps } = run.settings;
  return curve.some(({ step }) => step > steps * 11 / 12) ? endOf(curve, steps) : NaN;
}

/** A curve when a share of training is over; NaN where it has no values. */
export function after(curve: Curve, share: number): number {
  return curve.length === 0 ? NaN : around(curve, share);
}

/** H before training. */
export function startEntropy(log: StudyLog): number {
  return ENTROPY(log)[0]?.value ?? NaN;
}

/** H over the last twelfth of training. */
export function endEntropy(log: StudyLog): number {
  return atEnd(log, ENTROPY(log));
}

/** R over the last twelfth of training. */
export function endAccuracy(log: StudyLog): number {
  return atEnd(log, accuracyOf(log));
}

/** The share of H at the start that is spent when a share of training is over. */
export function spent(log: StudyLog, share: number): number {
  return 1 - after(ENTROPY(log), share) / startEntropy(log);
}

/** The share of the whole drop of H that is done when a share of training is over; NaN where H did not fall. */
export function dropped(log: StudyLog, share: number): number {
  const start = startEntropy(log);
  const drop = start - endEntropy(log);
  return drop > 0 ? (start - after(ENTROPY(log), share)) / drop : NaN;
}

/** The share of the gain in R that is made when a share of training is over; NaN where R did not rise. */
export function gained(log: StudyLog, share: number): number {
  const curve = accuracyOf(log);
  const first = curve[0]?.value ?? NaN;
  const gain = endAccuracy(log) - first;
  return gain > 0 ? (after(curve, share) - first) / gain : NaN;
}

/** Parameters of the paper's model that a run stands for, without embeddings, in billions. */
export function sizeOf({ run }: StudyLog): number {
  const count = nonEmbeddingParameters(BASE_MODELS[run.settings.model].paper);
  return Number((count / 1e9).toPrecision(3));
}

const laws = new WeakMap<StudyLog, LawFit | null>();

/** The law of a run; undefined where none can be fitted. */
export function lawOf(log: StudyLog): LawFit | undefined {
  let law = laws.get(log);
  if (law === undefined) {
    law = orNone(() => fitLaw(log.pairs)) ?? null;
    laws.set(log, law);
  }
  return law ?? undefined;
}

/** What a fit gives; undefined where the pairs allow none. */
export function orNone<T>(fit: () => T): T | undefined {
  try {
    return fit();
  } catch (error) {
    if (error instanceof LawError) return undefined;
    throw error;
  }
}

/** A number of each run. */
export function eachRun(
  logs: readonly StudyLog[],
  value: (log: StudyLog) => number,
): Evidence {
  return evidence(
    logs.map((log) => ({ name: log.run.name, value: value(log), size: sizeOf(log) })),
  );
}

/** A number of each model, the mean over its seeds and tasks. */
export function eachModel(
  logs: readonly StudyLog[],
  value: (log: StudyLog) => number,
): Evidence {
  const models = Map.groupBy(
    logs,
    ({ run: { settings } }) => baseModelName(settings.model, settings.instruct),
  );
  return evidence(
    [...models].map(([name, own]) => ({
      name,
      value: mean(own.map(value)),
      size: sizeOf(own[0]!),
    })),
  );
}

/** In how many runs something holds. */
export function shareOf(logs: readonly StudyLog[], holds: (log: StudyLog) => boolean): Evidence {
  return eachRun(logs, (log) => Number(holds(log)));
}

/** A number of each run and of the baseline of the same model and seed together. */
export function againstBaseline(
  arm: readonly StudyLog[],
  baseline: readonly StudyLog[],
  value: (log: StudyLog, of: StudyLog) => number,
): Evidence {
  return evidence(arm.flatMap((log) => {
    const { model, seed } = log.run.settings;
    const own = baseline.find(({ run }) =>
      run.settings.model === model && run.settings.seed === seed
    );
    return own === undefined
      ? []
      : [{ name: log.run.name, value: value(log, own), size: sizeOf(log) }];
  }));
}

/** One number that is not of single runs. */
export function single(name: string, value: number, interval?: Interval): Evidence {
  return { observations: [{ name, value }], interval };
}

/** The rank correlation of independent values, with Fisher's interval. */
export function rankCorrelation(x: readonly number[], y: readonly number[]): Evidence {
  const value = x.length < 2 ? NaN : sampleRankCorrelation([...x], [...y]);
  const name = `rank correlation of ${x.length}`;
  if (x.length < 4) return single(name, value);
  const middle = Math.atanh(Math.min(1 - 1e-9, Math.max(1e-9 - 1, value)));
  const half = 1.96 / Math.sqrt(x.length - 3);
  return single(name, value, [Math.tanh(middle - half), Math.tanh(middle + half)]);
}

/** The correlation of two courses, whose neighbouring values are alike. */
export function courseCorrelation(x: readonly number[], y: readonly number[]): Evidence {
  const relation = orNone(() => lineRelation(x, y));
  return single(
    `correlation of ${x.length}`,
    relation?.correlation ?? NaN,
    relation?.correlationInterval,
  );
}

/** Means over equal parts of training, for those that have values. */
export function blocks(curve: Curve, steps: number, count: number): (number | undefined)[] {
  return Array.from({ length: count }, (_, i) => {
    const own = curve.filter(({ step }) =>
      step > (i * steps) / count && step <= ((i + 1) * steps) / count
    );
    return own.length === 0 ? undefined : mean(own.map(({ value }) => value));
  });
}

/** The highest of the means over twelfths of training. */
export function bestOf(curve: Curve, steps: number): number {
  return max(blocks(curve, steps, 12).filter((value) => value !== undefined));
}

function evidence(observations: readonly Observation[]): Evidence {
  return observations.length === 0
    ? { untestable: "the study has no run that tells it" }
    : { observations };
}
