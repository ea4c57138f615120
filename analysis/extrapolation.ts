import { max, min } from "simple-statistics";
import { number } from "../formats/number.ts";
import type { LawFit } from "./law.ts";
import type { ScoreSeries } from "./readers/run.ts";

/** A ceiling that lies further from what was seen than half of the range that was seen is marked. */
const FAR = 0.5;

/**
 * How far the ceiling, at H = 0, lies from the lowest entropy of the pairs, in one sentence; undefined where it is
 * near: within half of the range of exp(H), and no score that cannot be.
 *
 * @param unit Of the score: no fraction is above 1.
 */
export function extrapolation(fit: LawFit, unit: ScoreSeries["unit"]): string | undefined {
  const [lowest, highest] = fit.entropyRange;
  const reach = Math.expm1(lowest) / (Math.exp(highest) - Math.exp(lowest));
  const isImpossible = unit === "fraction" && fit.ceiling > 1;
  if (!isImpossible && !(reach > FAR)) return undefined;
  const distance = `H = 0 is ${number(lowest, 3)} nats below the lowest entropy of a pair, ${
    number(reach, 2)
  } times the range of e^H over the pairs`;
  return isImpossible
    ? `the ceiling ${
      number(fit.ceiling)
    } is above 1, the largest possible score: it is an extrapolation; ${distance}.`
    : `the ceiling is an extrapolation: ${distance}.`;
}

/**
 * That a predicted score is far outside all scores that were seen, by more than they span, as the end of a
 * sentence; empty where it is not.
 */
export function farFromSeen(predicted: number, scores: readonly number[]): string {
  const [lowest, highest] = [min(scores), max(scores)];
  const beyond = Math.max(lowest - predicted, predicted - highest);
  return beyond > highest - lowest
    ? `, far outside the scores that were seen, ${number(lowest, 3)} to ${
      number(highest, 3)
    }, so it tells nothing`
    : "";
}
