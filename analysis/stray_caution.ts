import { number } from "../formats/number.ts";
import { whyUnfit } from "./check_pairs.ts";
import type { Interval } from "./interval.ts";
import { fitLaw, lawAt, type LawFit } from "./law.ts";
import type { Pair } from "./pairs.ts";
import { rootMeanSquare } from "./scale.ts";
import { strayScores, strayText } from "./stray_scores.ts";

/** The interval of a is so many times as wide with stray scores as without where they spoil the fit. */
const SPOILED = 2;

/** Where the residuals about the fit are less than so many times as large with strays as without, they cannot. */
const SCREENED = 1.1;

/**
 * That stray scores spoil a fit, with a of the other pairs, in one sentence; undefined where there are none, or where
 * a is told about as well with them.
 *
 * @param draws As for {@linkcode fitLaw}.
 */
export function strayCaution(
  pairs: readonly Pair[],
  fit: LawFit,
  draws: number,
): string | undefined {
  const strays = strayScores({
    steps: Float64Array.from(pairs, ({ step }) => step),
    values: Float64Array.from(pairs, ({ score }) => score),
  });
  if (strays.length === 0) return undefined;
  const steps = new Set(strays.map(({ step }) => step));
  const rest = pairs.filter(({ step }) => !steps.has(step));
  if (whyUnfit(rest) !== undefined) return undefined;
  // The width of an interval goes with the residuals, and an interval takes long for many pairs.
  if (fit.rmse < SCREENED * residualOf(rest, fit)) return undefined;
  const { a, interval, r2 } = fitLaw(rest, { draws });
  if (!(width(fit.interval.a) > SPOILED * width(interval.a))) return undefined;
  const them = strays.length === 1 ? "it" : "them";
  return `${strayText(strays)}, and the fit goes by ${them} as well: without ${them} a is ${
    number(a, 3)
  }, 95 % interval [${number(interval.a[0], 3)}, ${number(interval.a[1], 3)}], R² ${
    number(r2, 2)
  }, instead of ${number(fit.a, 3)} [${number(fit.interval.a[0], 3)}, ${
    number(fit.interval.a[1], 3)
  }], R² ${number(fit.r2, 2)}.`;
}

/** The root mean square of what pairs are away from a law. */
function residualOf(pairs: readonly Pair[], fit: LawFit): number {
  return rootMeanSquare(pairs.map(({ entropy, score }) => score - lawAt(fit, entropy)));
}

function width([low, high]: Interval): number {
  return high - low;
}
