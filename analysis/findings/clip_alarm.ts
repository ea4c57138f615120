import type { Overview } from "../overview.ts";
import { companionOf } from "../readers/companions.ts";
import type { Series } from "../readers/series.ts";
import { ofLate } from "../trend.ts";
import { type Alarm, notice, problem } from "./alarm.ts";
import { percent } from "./words.ts";

/** From these shares on clipped tokens are worth a word, and a problem. */
const [CLIPPED, MUCH_CLIPPED] = [0.1, 0.2];
/** The lower bound clips so many times as much as the upper, and at least so many tokens. */
const [LOPSIDED, LOPSIDED_SHARE] = [3, 0.02];

/** What is worth a word about the tokens that PPO's bounds clip. */
export function clipAlarm(series: Series, { run }: Overview): Alarm | undefined {
  const share = ofLate(series);
  const low = companionOf(run, "clipped at the lower bound");
  const high = companionOf(run, "clipped at the upper bound");
  const [below, above] = [low, high].map((one) =>
    one === undefined ? undefined : ofLate(one.series)
  );
  if (
    below !== undefined && above !== undefined && below >= LOPSIDED_SHARE &&
    below >= LOPSIDED * above
  ) {
    return problem(
      `the lower bound clips ${percent(below)} of the tokens of late, the upper ${
        percent(above)
      }: rare tokens are pushed down more freely than up${
        share >= CLIPPED ? `, and ${percent(share)} are clipped in all` : ""
      }`,
    );
  }
  if (share >= MUCH_CLIPPED) {
    return problem(
      `${
        percent(share)
      } of the tokens are clipped of late: take a smaller learning rate, fewer updates per rollout, or fresher rollouts`,
    );
  }
  return share >= CLIPPED
    ? notice(`${percent(share)} of the tokens are clipped of late`)
    : undefined;
}
