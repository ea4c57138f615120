import { smoothed } from "../course.ts";
import type { Overview } from "../overview.ts";
import { recentRise } from "../recent_rise.ts";
import { falls } from "../score_course.ts";
import { scoreName } from "./score_words.ts";
import { percent, pointText } from "./words.ts";

/** An entropy above this many times its start has exploded. */
const EXPLODED = 2;
/** A line through fewer scores tells nothing. */
const FEWEST = 5;
/** The widest that a running median may be, so that one wild value is no explosion. */
const WIDTH = 5;

/** Whether an entropy that more than doubled did so while the score rose, and the score still rose after it had. */
export function risesWithScore({ run, entropy, score, gain }: Overview): boolean {
  if (run.entropy === undefined || run.score === undefined) return false;
  if (entropy?.course !== "explosion" || score === undefined) return false;
  if (!score.rose || falls(score) || gain?.rises !== true) return false;
  const { steps, values } = smoothed(run.entropy, WIDTH);
  const since = steps[values.findIndex((value) => value > EXPLODED * entropy.start.value)];
  const from = run.score.steps.findIndex((step) => step >= (since ?? Infinity));
  return from >= 0 && run.score.steps.length - from >= FEWEST &&
    recentRise(run.score, from, undefined).interval[0] > 0;
}

/** That the score rose with the entropy, in a sentence. */
export function risenText({ run, entropy, score }: Overview): string {
  const [{ start, end }, risen] = [entropy!, score!];
  return `the entropy rose to ${percent(end.value / start.value)} of its start, and the ${
    scoreName(run.score!.kind)
  } rose with it: ${pointText(risen.start)}, ${pointText(risen.end)}.`;
}
