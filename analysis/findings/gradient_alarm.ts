import { companionOf } from "../readers/companions.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { headOf, medianOf, spreadOf, tailOf } from "../trend.ts";
import { type Alarm, problem } from "./alarm.ts";
import { percent, round } from "./words.ts";

/** From these shares of steps with a norm of exactly 0 on they are worth a word, and a problem. */
const [SOME_ZERO, MANY_ZERO] = [0.2, 0.4];
/** Norms that grew by more than this, or shrank to less, are a problem. */
const [GREW, SHRANK] = [5, 0.1];
/** A spike is so many robust deviations and so many times the median. */
const [SPIKE_DEVIATIONS, SPIKE_RATIO] = [8, 3];
/** So many spikes are a problem. */
const MANY_SPIKES = 3;
/** Fewer norms tell none of this. */
const FEWEST = 8;

/** What is worth a word about the gradient norms of a run. */
export function gradientAlarm(series: Series, run: Run): Alarm | undefined {
  const { steps, values } = series;
  if (values.length < FEWEST) return undefined;
  const zeros = values.filter((value) => value === 0).length / values.length;
  if (zeros >= SOME_ZERO) {
    return {
      severity: zeros >= MANY_ZERO ? "problem" : "notice",
      text: `it is exactly 0 in ${percent(zeros)} of the steps, which taught nothing`,
    };
  }
  const [start, end] = [headOf(series), tailOf(series)];
  if (end > GREW * start) return problem(`it grew to ${round(end / start, 2)} times its start`);
  if (end < SHRANK * start) {
    const groups = companionOf(run, "groups without signal");
    const share = groups === undefined ? 0 : tailOf(groups.series, 0.25, 5);
    return problem(
      `it fell to ${percent(end / start)} of its start${
        share >= 0.5 ? `: ${percent(share)} of the groups lack signal` : ""
      }`,
    );
  }
  const middle = medianOf(values);
  const deviation = spreadOf(values);
  const isSpike = (value: number) =>
    value - middle > SPIKE_DEVIATIONS * deviation && value >= SPIKE_RATIO * middle;
  const spikes = values.filter(isSpike).length;
  if (spikes === 0 || deviation === 0) return undefined;
  const largest = values.reduce((left, right) => Math.max(left, right));
  return {
    severity: spikes >= MANY_SPIKES ? "problem" : "notice",
    text: `${spikes === 1 ? "one spike" : `${spikes} spikes`}, the largest ${
      round(largest / middle, 2)
    } times the median, at step ${steps[values.indexOf(largest)]}`,
  };
}
