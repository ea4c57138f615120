import { counted } from "../formats/counted.ts";
import { number } from "../formats/number.ts";
import { extrapolation, farFromSeen } from "./extrapolation.ts";
import { standText } from "./gain_text.ts";
import { LawError } from "./law_error.ts";
import { type Rival, RIVAL_NAMES } from "./rivals.ts";
import type { RunFit } from "./run_fit.ts";
import { stepText } from "./step_text.ts";

/** A fit in one line: entropies that are none, that the score gains no more where it is so, what the law is worth, and the rival that beats it. */
export function fitVerdict({ run, pairing, stand, fit, rivals }: RunFit): string {
  const far = extrapolation(fit, run.score!.unit) === undefined ? "" : ", an extrapolation";
  const better = betterRival(rivals);
  const gain = standText(stand);
  const negative = pairing.filter(({ entropy }) => entropy < 0).length;
  return [
    ...(negative === 0
      ? []
      : [`the entropy is below 0 in ${negative} of ${counted(fit.n, "pair")}, as no exact one is`]),
    ...(gain === undefined ? [] : [gain]),
    fit.identified
      ? `the pairs identify the law, ceiling ${number(fit.ceiling, 3)}${far}`
      : `the pairs do not identify the law`,
    ...(better === undefined ? [] : [`${RIVAL_NAMES[better.model]} fits better`]),
  ].join("; ") + ".";
}

/** A prediction that was asked for, in one line. */
export function predictionVerdict({ prediction, run, pairing }: RunFit): string {
  if (prediction instanceof LawError) return `no prediction can be made: ${prediction.message}`;
  const { end: { step, predicted, seen, interval: [low, high] } } = prediction;
  const lies = seen >= low && seen <= high ? "within" : "outside";
  const isImpossible = run.score!.unit === "fraction" && predicted > 1;
  const outside = farFromSeen(predicted, pairing.map(({ score }) => score));
  return `predicted ${number(predicted, 3)}${
    isImpossible ? " (above 1, the largest possible score)" : ""
  } at step ${stepText(step)}${outside === "" ? "," : `${outside};`} seen ${
    number(seen, 3)
  }: ${lies} the 95 % interval [${number(low, 3)}, ${number(high, 3)}].`;
}

/** Differences of AICc below this tell nothing (Burnham & Anderson 2002). */
export const SMALLEST_DIFFERENCE = 2;

/** The best rival, where it fits better than the law by its AICc. */
export function betterRival(rivals: readonly Rival[]): Rival | undefined {
  const law = rivals.find(({ model }) => model === "law");
  const best = rivals.find(({ model }) => model !== "law");
  if (law?.aicc === undefined || best?.aicc === undefined) return undefined;
  return law.aicc - best.aicc >= SMALLEST_DIFFERENCE ? best : undefined;
}
