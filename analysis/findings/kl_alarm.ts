import type { Overview } from "../overview.ts";
import type { Series } from "../readers/series.ts";
import { lastPart, medianOf, tailOf, trendOf } from "../trend.ts";
import { type Alarm, notice, problem } from "./alarm.ts";
import { noRiseText } from "./score_words.ts";
import { round } from "./words.ts";

/** From these KLs in nats per token on a drift is worth a word, and a problem. */
const [FAR, VERY_FAR] = [0.5, 2];
/** A penalised KL that never leaves this is held at its reference, if it had the time to leave it. */
const [HELD, FEWEST_HELD] = [1e-4, 50];

/** What is worth a word about the KL to the rollout policy. */
export function klAlarm(series: Series): Alarm | undefined {
  const now = tailOf(series);
  return now < FAR
    ? undefined
    : { severity: now >= VERY_FAR ? "problem" : "notice", text: `it is ${round(now)} of late` };
}

/** What is worth a word about the KL to the reference policy. */
export function referenceAlarm(series: Series, { gain }: Overview): Alarm | undefined {
  const { values } = series;
  if (values.every((value) => value === 0)) {
    return { severity: "fine", text: "the run has no KL to a reference" };
  }
  const most = values.reduce((left, right) => Math.max(left, Math.abs(right)), 0);
  const isHeld = most <= HELD && values.length >= FEWEST_HELD &&
    trendOf(lastPart(series, 0.5, FEWEST_HELD / 2)).direction !== "up";
  if (isHeld) {
    return problem(
      "the policy hardly leaves its reference: the KL penalty is too strong, or the reference is a copy of the policy",
    );
  }
  const now = tailOf(series);
  const middle = Math.floor(values.length / 2);
  const halves = [medianOf(values.subarray(0, middle)), medianOf(values.subarray(middle))];
  const accelerates = now - halves[1]! > 1.5 * Math.max(halves[1]! - halves[0]!, 0) &&
    now > halves[1]!;
  if (now >= VERY_FAR || (now >= FAR && accelerates)) {
    return problem(
      `it is ${round(now)} of late${accelerates ? " and grows ever faster" : ""}${
        gain?.rises === false ? `, while the score ${noRiseText(gain)}` : ""
      }`,
    );
  }
  return now >= FAR ? notice(`it is ${round(now)} of late`) : undefined;
}
