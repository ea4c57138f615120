import type { Overview } from "../overview.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { ofLate } from "../trend.ts";
import { type Alarm, notice, problem } from "./alarm.ts";
import { percent, round } from "./words.ts";

/** From these shares on responses that are cut off are worth a word, and a problem. */
const [CUT_OFF, MANY_CUT_OFF] = [0.05, 0.1];

/** What is worth a word about responses that are cut off at the limit of length. */
export function truncationAlarm(series: Series, { run }: Overview): Alarm | undefined {
  const share = ofLate(series);
  if (share < CUT_OFF) return undefined;
  const text = `${percent(share)} of the responses are cut off at the limit of late${
    wrongText(share, run)
  }`;
  return share >= MANY_CUT_OFF ? problem(text) : notice(text);
}

/** How many of the responses that are cut off may be wrong, of rollouts whose share of right answers is logged. */
function wrongText(share: number, { trainingScore, score }: Run): string {
  const rollouts = trainingScore ?? (score?.kind === "training" ? score : undefined);
  const isShare = rollouts?.values.every((value) => value >= 0 && value <= 1) === true;
  if (!isShare) return ", and may be scored as wrong";
  const right = ofLate(rollouts!);
  const most = (1 - right) / share;
  return most >= 1
    ? ", and may be scored as wrong"
    : `; at most ${
      percent(most)
    } of them are scored as wrong, if 1 is right and 0 wrong, by a mean score of ${round(right)}`;
}
