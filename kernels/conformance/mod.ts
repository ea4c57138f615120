/**
 * Whether the kernels can be trusted on an adapter: every kernel against its float64 reference and against
 * golden cases.
 *
 * @module
 */
export type { CheckResult } from "./check.ts";
export type { GoldenFiles } from "./golden.ts";
export { type ConformanceReport, runConformance } from "./suite.ts";
