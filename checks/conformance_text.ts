/** How `deno task conformance` tells of kernels. */
import type { CheckResult, ConformanceReport } from "../kernels/conformance/mod.ts";

/** The head of the table: the adapter, and the names of the columns. */
export function conformanceHead(adapter: string): string {
  const columns = "kernel".padEnd(26) + "cases".padStart(6) + "failed".padStart(8);
  return `${adapter}\n\n${columns}   ${"absolute".padStart(8)}  ${"relative".padStart(8)}`;
}

/** The row of a kernel: its cases, those that failed, and the largest errors. */
export function conformanceRow(result: CheckResult): string {
  const { name, cases, failed, maxAbsoluteError, maxRelativeError } = result;
  const error = (value: number) => value.toExponential(1).padStart(8);
  const counts = String(cases).padStart(6) + String(failed).padStart(8);
  return `${name.padEnd(26)}${counts}   ${error(maxAbsoluteError)}  ${error(maxRelativeError)}`;
}

/** The last line: which kernels failed. */
export function conformanceVerdict({ adapter, kernels }: ConformanceReport): string {
  const failed = kernels.filter((kernel) => kernel.failed > 0).map(({ name }) => name);
  const verdict = failed.length === 0 ? "all kernels pass." : `${failed.join(", ")} failed.`;
  return `\n${adapter}: ${verdict}`;
}

/** The numbers as one JSON object on one line. */
export function conformanceJson({ adapter, kernels }: ConformanceReport): string {
  const numbers = kernels.map(({ failures: _, ...numbers }) => numbers);
  return JSON.stringify({ adapter, kernels: numbers });
}
