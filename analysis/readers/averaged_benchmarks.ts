import { FEWEST_PAIRS } from "../check_pairs.ts";
import { stepText } from "../step_text.ts";
import { enumeration } from "./key_list.ts";
import type { RunnerUp } from "./run.ts";
import type { ScoreFamily } from "./score_family.ts";
import { meanOverBenchmarks } from "./score_series.ts";
import type { NotFinite, Series } from "./series.ts";

/** A benchmark that is there for a smaller share of the steps would make the mean one of few steps. */
const SMALLEST_SHARE = 0.75;
/** Characters that the names of those that are left out may have. */
const LONGEST = 200;

type SeriesByKey = ReadonlyMap<string, Series>;

/** What was measured of the benchmarks of a log. */
interface Measured {
  readonly series: SeriesByKey;
  /** A benchmark that is no number any more has not ended. */
  readonly notFinite: ReadonlyMap<string, NotFinite>;
}

/** A family with those of its benchmarks whose mean says most of the run; the others are among its others. */
export function averagedBenchmarks(family: ScoreFamily, log: Measured): ScoreFamily {
  return withCommonSteps(withoutPartial(family, log), log.series);
}

/** How many values the mean of some benchmarks has. */
export function countOfMean(keys: readonly string[], series: SeriesByKey): number {
  return meanOverBenchmarks(keys.map((key) => series.get(key)!)).steps.length;
}

/** A family without the benchmarks that begin late or end early, where the others are enough for a law. */
function withoutPartial(family: ScoreFamily, { series, notFinite }: Measured): ScoreFamily {
  const ranges = new Map(
    family.keys.map((key) => [key, rangeOf(series.get(key)!, notFinite.get(key))]),
  );
  const first = ranges.values().reduce((least, range) => Math.min(least, range.first), Infinity);
  const last = ranges.values().reduce((most, range) => Math.max(most, range.last), 0);
  const isWhole = (key: string) => {
    const range = ranges.get(key)!;
    // Where a benchmark is measured seldom, its next value may lie beyond the end.
    const covered = Math.min(last, range.last + range.distance) -
      Math.max(first, range.first - range.distance);
    return covered >= SMALLEST_SHARE * (last - first);
  };
  const keys = family.keys.filter(isWhole);
  const partial = family.keys.filter((key) => !isWhole(key));
  if (partial.length === 0 || keys.length === 0) return family;
  if (countOfMean(keys, series) < FEWEST_PAIRS) return family;
  const stepsOf = (key: string) => {
    const { first, last } = ranges.get(key)!;
    return first === last
      ? `at step ${stepText(first)} only`
      : `at steps ${stepText(first)} to ${stepText(last)} only`;
  };
  const because = keys.length === 1
    ? "the benchmark that is there for most of the run"
    : `the mean over ${keys.length} benchmarks that are peers`;
  const left = enumeration(partial.map((key) => `${key} (measured ${stepsOf(key)})`), LONGEST);
  const others = partial.map((key): RunnerUp => ({
    keys: [key],
    count: series.get(key)!.values.length,
    because: `a benchmark that is measured ${stepsOf(key)}`,
    isBenchmark: true,
  }));
  return {
    ...family,
    keys,
    because: `${because}, without ${left}`,
    others: [...others, ...family.others],
  };
}

/** The steps from the first to the last that a key was measured at, and how far its numbers lie apart. */
interface Range {
  readonly first: number;
  readonly last: number;
  readonly distance: number;
}

function rangeOf({ steps }: Series, notFinite: NotFinite | undefined): Range {
  const [first, last] = [steps[0]!, steps.at(-1)!];
  return {
    first: Math.min(first, notFinite?.first ?? first),
    last: Math.max(last, notFinite?.last ?? last),
    distance: steps.length < 2 ? 0 : (last - first) / (steps.length - 1),
  };
}

/** A family whose benchmarks have too few common steps for a law, but for the one that was measured at more of them. */
function withCommonSteps(family: ScoreFamily, series: SeriesByKey): ScoreFamily {
  const common = countOfMean(family.keys, series);
  if (family.keys.length === 1 || common >= FEWEST_PAIRS) return family;
  const count = (key: string) => series.get(key)!.values.length;
  const longest = family.keys.reduce((best, key) => count(key) > count(best) ? key : best);
  if (count(longest) <= common) return family;
  const others = family.keys.filter((key) => key !== longest).map((key): RunnerUp => ({
    keys: [key],
    count: count(key),
    because: "another benchmark",
    isBenchmark: true,
  }));
  return {
    ...family,
    keys: [longest],
    because: "no benchmark was measured more often; they are hardly measured at the same steps",
    others: [...others, ...family.others],
  };
}
