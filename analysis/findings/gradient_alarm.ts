import type { Overview } from "../overview.ts";
import { companionOf } from "../readers/companions.ts";
import type { Series } from "../readers/series.ts";
import { spikesOf } from "../spikes.ts";
import { headOf, ofLate, tailOf } from "../trend.ts";
import { type Alarm, notice, problem } from "./alarm.ts";
import { stepText } from "../step_text.ts";
import { percent, round } from "./words.ts";

/** From these shares of steps with a norm of exactly 0 on they are worth a word, and a problem. */
const [SOME_ZERO, MANY_ZERO] = [0.2, 0.4];
/** Norms that grew by more than this, or shrank to less, are a problem. */
const [GREW, SHRANK] = [5, 0.1];
/** So many spikes are a problem. */
const MANY_SPIKES = 3;
/** Fewer norms tell none of this. */
const FEWEST = 8;

/** What is worth a word about the gradient norms of a run. */
export function gradientAlarm(series: Series, { run, isSolved }: Overview): Alarm | undefined {
  const { values } = series;
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
  if (end < SHRANK * start && isSolved) {
    return notice(
      `it fell to ${
        percent(end / start)
      } of its start, as it does once hardly any response is wrong: a group that is all right has no gradient`,
    );
  }
  if (end < SHRANK * start) {
    const groups = companionOf(run, "groups without signal");
    const share = groups === undefined ? 0 : ofLate(groups.series);
    return problem(
      `it fell to ${percent(end / start)} of its start${
        share >= 0.5 ? `: ${percent(share)} of the groups lack signal` : ""
      }`,
    );
  }
  const spikes = spikesOf(series).filter(({ value, level }) => value > level);
  if (spikes.length === 0) return undefined;
  const largest = spikes.reduce((left, right) => right.value > left.value ? right : left);
  return {
    severity: spikes.length >= MANY_SPIKES ? "problem" : "notice",
    text: `${spikes.length === 1 ? "one spike" : `${spikes.length} spikes`}, the largest ${
      round(largest.value, 2)
    } at step ${stepText(largest.step)}, where the level is ${round(largest.level, 2)}`,
  };
}
