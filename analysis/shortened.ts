import { MOST_PAIRS } from "./pairs.ts";
import type { Run } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";

/** A run with evenly spaced values in place of series of more than {@linkcode MOST_PAIRS}; else the run itself. */
export function shortened(run: Run): Run {
  const { entropy, score, trainingScore } = run;
  const all = [...run.series.values(), entropy, score, trainingScore];
  if (all.every((series) => (series?.steps.length ?? 0) <= MOST_PAIRS)) return run;
  // Most keys share their steps, and do so still.
  const known = new Map<Float64Array, Float64Array>();
  const evenly = <S extends Series>(series: S): S => {
    const steps = known.getOrInsertComputed(series.steps, evenlySpaced);
    const values = evenlySpaced(series.values);
    return values === series.values ? series : { ...series, steps, values };
  };
  const shortScore = score && evenly(score);
  // The two may be one.
  const shortTraining = trainingScore === score
    ? shortScore
    : trainingScore && evenly(trainingScore);
  return {
    ...run,
    series: new Map(Array.from(run.series, ([key, series]) => [key, evenly(series)])),
    ...(entropy === undefined ? {} : { entropy: evenly(entropy) }),
    ...(shortScore === undefined ? {} : { score: shortScore }),
    ...(shortTraining === undefined ? {} : { trainingScore: shortTraining }),
    notes: [
      ...run.notes,
      `of more than ${MOST_PAIRS} values under a key, evenly spaced ones are looked at`,
    ],
  };
}

/** The same, but for entropy and score, which are paired before they are thinned. */
export function shortenedButPairs(run: Run): Run {
  const short = shortened(run);
  return short === run ? run : { ...run, series: short.series };
}

function evenlySpaced(numbers: Float64Array): Float64Array {
  const every = Math.ceil(numbers.length / MOST_PAIRS);
  return every <= 1 ? numbers : numbers.filter((_, i) => i % every === 0);
}
