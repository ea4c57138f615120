import { number } from "../../formats/number.ts";
import type { BenchmarkFit } from "../benchmarks.ts";
import type { Point } from "../course.ts";
import type { Finding } from "../finding.ts";
import { jumpOf } from "../jump.ts";
import { LawError } from "../law_error.ts";
import { lawText } from "../law_text.ts";
import { plateauText } from "../plateau_text.ts";
import type { Run } from "../readers/run.ts";
import { scoreOf } from "../readers/score_series.ts";
import type { RunFit } from "../run_fit.ts";
import { falls, scoreCourse } from "../score_course.ts";
import { listed, round } from "./words.ts";
import { stepText } from "../step_text.ts";

/** More benchmarks than this are not told one by one. */
const MOST_BENCHMARKS = 24;
/** A benchmark that ends below this share of its highest point has collapsed. */
const COLLAPSED = 0.5;

/** The fall of one of several benchmarks. */
interface Fall {
  readonly key: string;
  /** Its height before the fall. */
  readonly from: Point;
  /** Where it is after it. */
  readonly to: Point;
  /** Whether it fell from one step to the next. */
  readonly atOnce: boolean;
  readonly collapsed: boolean;
}

/**
 * The benchmarks of a score that is a mean over several: which of them fell, and the law of each.
 *
 * @param fitted The fit, or why there is none.
 */
export function benchmarkFindings(run: Run, fitted: RunFit | string): Finding[] {
  const fits = typeof fitted === "string" ? [] : fitted.benchmarks;
  const found = falling(run);
  return keysOf(run).flatMap((key): Finding[] => {
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
}

/** Which benchmarks of a mean fell, as the end of a sentence; empty where it is no mean, or none fell alone. */
export function fallenBenchmarksText(run: Run): string {
  const found = falling(run);
  const [first] = found;
  const count = keysOf(run).length;
  if (first === undefined) return "";
  if (found.length === count) return `; all ${count} benchmarks fell`;
  const others = "the others did not";
  return found.length === 1
    ? `; of its ${count} benchmarks one fell, ${first.key}, which ${fallText(first)}; ${others}`
    : `; of its ${count} benchmarks ${listed(found.map(({ key }) => key))} fell, ${others}`;
}

function keysOf({ score }: Run): readonly string[] {
  const keys = score?.keys ?? [];
  return keys.length < 2 || keys.length > MOST_BENCHMARKS ? [] : keys;
}

function falling(run: Run): Fall[] {
  return keysOf(run).flatMap((key): Fall[] => {
    const score = scoreOf(run, [key], run.score!.kind);
    const course = scoreCourse(score);
    if (course === undefined || !falls(course)) return [];
    const { start, peak, end, fall } = course;
    const jump = jumpOf(score);
    const drop = jump !== undefined && jump.after.value < jump.before.value ? jump : undefined;
    return [{
      key,
      from: drop?.before ?? fall?.from ?? start,
      to: drop?.after ?? end,
      atOnce: drop !== undefined,
      collapsed: peak.value > 0 && end.value < COLLAPSED * peak.value,
    }];
  });
}

function fallText({ from, to, atOnce }: Fall): string {
  return `fell ${atOnce ? "at once " : ""}from ${round(from.value)} at step ${
    stepText(from.step)
  } to ${round(to.value)} at step ${stepText(to.step)}`;
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
