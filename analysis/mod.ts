/**
 * Raw logs of RL training in, the entropy-performance law and its uncertainty out. Needs no GPU.
 *
 * ```ts
 * import { compareRivals, fitLaw, pairs, predictFrom, readRun } from "./analysis/mod.ts";
 *
 * const run = await readRun("console.log");
 * const points = pairs(run);
 * const { a, b, ceiling, interval, identified } = fitLaw(points);
 * const { rmse } = predictFrom(points, { fraction: 0.15 });
 * ```
 *
 * @module
 */
export * from "./bootstrap.ts";
export * from "./diagnosis.ts";
export * from "./course.ts";
export * from "./dynamics.ts";
export * from "./entropy_course.ts";
export type { Score, ScoreFall } from "./fall.ts";
export * from "../formats/errors.ts";
export * from "./law_error.ts";
export * from "./figures/draw.ts";
export * from "./figures/law_figure.ts";
export * from "./figures/covariance_figure.ts";
export type { Effort } from "./effort.ts";
export * from "./finding.ts";
export * from "./identification.ts";
export * from "./influence.ts";
export * from "./interval.ts";
export * from "./law.ts";
export * from "./pairs.ts";
export * from "./plateau.ts";
export * from "./prediction.ts";
export { readRun, type ReadRunOptions, readRuns } from "./readers/read_run.ts";
export { companionOf } from "./readers/companions.ts";
export type { CompanionName } from "./readers/companion_keys.ts";
export { scoreOf } from "./readers/score_series.ts";
export { joinExports } from "./readers/join.ts";
export type * from "./readers/run.ts";
export type { NotFinite, Series } from "./readers/series.ts";
export * from "./rivals.ts";
export * from "./score_course.ts";
export * from "./tokens/covariance_report.ts";
export * from "./tokens/covariance_settings.ts";
export type * from "./tokens/dump.ts";
export type { Histogram } from "./tokens/histogram.ts";
export { readTokens } from "./tokens/read_tokens.ts";
export type * from "./tokens/method_report.ts";
export {
  type CovarianceMethod,
  type CovarianceToken,
  selectedTokens,
} from "./tokens/selected_tokens.ts";
