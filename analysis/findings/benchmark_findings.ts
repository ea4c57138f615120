import { listed } from "../../formats/listed.ts";
import { counted } from "../../formats/counted.ts";
import { number } from "../../formats/number.ts";
import type { BenchmarkFit } from "../benchmarks.ts";
import type { Finding } from "../finding.ts";
import { LawError } from "../law_error.ts";
import { lawText } from "../law_text.ts";
import type { Overview } from "../overview.ts";
import {
  benchmarkKeys,
  type Fall,
  fallenBenchmarks,
  type Moved,
  otherBenchmarkKeys,
} from "../parted_benchmarks.ts";
import { plateauText } from "../plateau_text.ts";
import type { Run } from "../readers/run.ts";
import type { RunFit } from "../run_fit.ts";
import { round } from "./words.ts";
import { stepText } from "../step_text.ts";

/**
 * The benchmarks of a score that is a mean over several: which of them fell, and the law of each; and those
 * beside the score that fell.
 *
 * @param fitted The fit, or why there is none.
 */
export function benchmarkFindings(run: Run, fitted: RunFit | string): Finding[] {
  const fits = typeof fitted === "string" ? [] : fitted.benchmarks;
  const found = fallenBenchmarks(run);
  const ofMean = benchmarkKeys(run).flatMap((key): Finding[] => {
    const fall = found.find((one) => one.key === key);
    const fit = fits.find((one) => one.key === key);
    if (fit === undefined && fall === undefined) return [];
    const course = fall === undefined
      ? fit!.plateau === undefined ? "no plateau is seen" : plateauText(fit!.plateau)
      : fallText(fall);
    return [{
      topic: "benchmark",
      ...lawOf(fit),
      finding: `${key}: ${course}${fit === undefined ? "" : `; ${lawShort(fit)}`}.`,
      ...(fall === undefined ? {} : { severity: fall.collapsed ? "problem" : "notice" }),
    }];
  });
  // Of many benchmarks with few scores each one may seem to fall by chance, so none makes a run a problem.
  const others = fallenBenchmarks(run, otherBenchmarkKeys(run)).map((fall): Finding => ({
    topic: "benchmark",
    severity: "notice",
    finding: `${fall.key}, which is no part of the score, ${fallText(fall)}.`,
    evidence: `its own ${counted(run.series.get(fall.key)!.values.length, "score")}`,
  }));
  return [...ofMean, ...others];
}

/** Which benchmarks of a mean fell, as the end of a sentence; empty where it is no mean, or none fell alone. */
export function fallenBenchmarksText(run: Run): string {
  const found = fallenBenchmarks(run);
  const [first] = found;
  const count = benchmarkKeys(run).length;
  if (first === undefined) return "";
  if (found.length === count) return `; all ${count} benchmarks fell`;
  const others = "the others did not";
  return found.length === 1
    ? `; of its ${count} benchmarks one fell, ${first.key}, which ${fallText(first)}; ${others}`
    : `; of its ${count} benchmarks ${listed(found.map(({ key }) => key))} fell, ${others}`;
}

/** That some benchmarks of a mean fell while others rose; no finding where they did not. */
export function partedFinding({ run, parted }: Overview): Finding[] {
  if (parted === undefined) return [];
  const { fallen, risen } = parted;
  return [{
    topic: "benchmarks",
    severity: "problem",
    finding: `${listed(fallen.map((one) => `${one.key} ${fallText(one)}`))}, while ${
      listed(risen.map((one) => `${one.key} rose ${wayText(one)}`))
    }; their mean hides it.`,
    evidence: `${
      run.score!.label
    }: each by its own scores, ends as medians of 3 where there are 12`,
    marks: [{ step: fallen[0]!.from.step, label: "a benchmark falls" }],
  }];
}

function fallText(fall: Fall): string {
  return `fell ${fall.atOnce ? "at once " : ""}${wayText(fall)}`;
}

function wayText({ from, to }: Moved): string {
  return `from ${round(from.value)} at step ${stepText(from.step)} to ${round(to.value)} at step ${
    stepText(to.step)
  }`;
}

function lawOf(fit: BenchmarkFit | undefined): Pick<Finding, "severity" | "evidence"> {
  if (fit === undefined) return { severity: "unknown", evidence: "its own scores" };
  const law = fit.fit;
  return law instanceof LawError ? { severity: "unknown", evidence: law.message } : {
    severity: law.identified ? "fine" : "unknown",
    evidence: `${lawText(law)}; ${law.identifiedBecause}`,
  };
}

function lawShort({ fit }: BenchmarkFit): string {
  return fit instanceof LawError
    ? "no law can be fitted"
    : fit.identified
    ? `ceiling ${number(fit.ceiling, 3)}`
    : "its pairs do not identify the law";
}
