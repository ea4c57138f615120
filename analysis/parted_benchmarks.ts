import type { Point } from "./course.ts";
import { jumpOf } from "./jump.ts";
import type { Run } from "./readers/run.ts";
import { scoreOf } from "./readers/score_series.ts";
import { falls, scoreCourse } from "./score_course.ts";
import { trendOf } from "./trend.ts";

/** What one of several benchmarks did. */
export interface Moved {
  /** Its key. */
  readonly key: string;
  /** Where it was before. */
  readonly from: Point;
  /** Where it is after it. */
  readonly to: Point;
}

/** The fall of one of several benchmarks. */
export interface Fall extends Moved {
  /** Whether it fell from one step to the next. */
  readonly atOnce: boolean;
  /** Whether it ends below half of its highest point. */
  readonly collapsed: boolean;
}

/** Benchmarks of one mean of which some fell while others rose. */
export interface PartedBenchmarks {
  /** Those that fell far. */
  readonly fallen: readonly Fall[];
  /** Those that rose. */
  readonly risen: readonly Moved[];
}

/** More benchmarks than this are not told one by one. */
const MOST_BENCHMARKS = 24;
/** Fewer scores of a benchmark beside the score are not told: its scatter is not known. */
const FEWEST_BESIDE = 8;
/** A benchmark that ends below this share of its highest point has collapsed. */
const COLLAPSED = 0.5;
/** One that lost less than this share of its height has not parted from the others. */
const FAR = 0.1;

/** The keys of the benchmarks whose mean is the score of a run; none where it is one, or one of too many. */
export function benchmarkKeys({ score }: Run): readonly string[] {
  const keys = score?.keys ?? [];
  return keys.length < 2 || keys.length > MOST_BENCHMARKS ? [] : keys;
}

/**
 * The keys of the benchmarks that are measured beside those of the score, where their scores are enough to tell
 * a fall from scatter; none where they are too many.
 */
export function otherBenchmarkKeys({ choices }: Run): readonly string[] {
  const found = (choices.score?.runnersUp ?? []).filter(({ isBenchmark, count }) =>
    isBenchmark && count >= FEWEST_BESIDE
  );
  return found.length > MOST_BENCHMARKS ? [] : found.flatMap(({ keys }) => keys);
}

/**
 * The benchmarks that fell; one last score, of many, is no fall.
 *
 * @param keys By default those of the mean.
 */
export function fallenBenchmarks(run: Run, keys: readonly string[] = benchmarkKeys(run)): Fall[] {
  return keys.flatMap((key): Fall[] => {
    const score = scoreOf(run, [key], run.score!.kind);
    const course = scoreCourse(score, "medians");
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

/** Where some benchmarks of a mean fell far while others rose, so that the mean tells neither. */
export function partedBenchmarks(run: Run): PartedBenchmarks | undefined {
  const fallen = fallenBenchmarks(run).filter(({ from, to }) =>
    from.value - to.value > FAR * Math.abs(from.value)
  );
  const risen = fallen.length === 0 ? [] : benchmarkKeys(run).flatMap((key): Moved[] => {
    const score = scoreOf(run, [key], run.score!.kind);
    const course = scoreCourse(score, "medians");
    if (course === undefined || !course.rose || falls(course)) return [];
    if (trendOf(score).direction !== "up") return [];
    return [{ key, from: course.start, to: course.end }];
  });
  return risen.length === 0 ? undefined : { fallen, risen };
}
