import { number } from "../../formats/number.ts";
import { extrapolation } from "../extrapolation.ts";
import type { Finding } from "../finding.ts";
import { betterRival, SMALLEST_DIFFERENCE } from "../fit_verdict.ts";
import type { Interval } from "../interval.ts";
import { lawText } from "../law_text.ts";
import { passedCeiling } from "../passed_ceiling.ts";
import { formulaOf, outOfSampleText, RIVAL_NAMES } from "../rivals.ts";
import type { Overview } from "../overview.ts";
import type { RunFit } from "../run_fit.ts";
import { scoreEnds } from "../score_ends.ts";
import { CANNOT_TELL } from "./words.ts";
import { stepText } from "../step_text.ts";

/** Less than this share of the gain is left: little more can be bought. */
const LITTLE_LEFT = 0.1;

/**
 * What the law says of a run, and how far to trust it: the ceiling, the gain that is done, single pairs,
 * the rivals, and what keeps the numbers from meaning what the paper's do.
 *
 * @param fitted The fit, or why there is none.
 */
export function lawFindings(fitted: RunFit | string, overview: Overview): Finding[] {
  if (typeof fitted === "string") {
    return [{
      topic: "ceiling",
      severity: "unknown",
      finding: `${CANNOT_TELL}: no law can be fitted.`,
      evidence: fitted,
    }];
  }
  const { fit, run } = fitted;
  const far = fit.identified ? undefined : extrapolation(fit, run.score!.unit);
  const cautions = fitted.cautions.filter((caution) => caution !== far);
  return [
    ceiling(fitted, overview),
    gainDone(fitted, overview.entropy),
    singlePairs(fitted),
    rivals(fitted),
    // Where the ceiling cannot be told, neither is how far it lies.
    ...cautions.map((caution): Finding => ({
      topic: "caution",
      severity: "notice",
      finding: caution,
      evidence: lawText(fitted.fit),
    })),
  ].filter((finding) => finding !== undefined);
}

function ceiling({ fit, run, pairing }: RunFit, { score }: Overview): Finding {
  const topic = "ceiling";
  const interval = `95 % interval ${ends(fit.interval.ceiling)}`;
  // Only a law whose direction the log tells is one that it can refute.
  const passed = fit.interval.a[0] > 0 ? passedCeiling(pairing, fit) : undefined;
  if (passed !== undefined) {
    return {
      topic,
      severity: "notice",
      finding: `this log refutes the law where it ends: the score is ${
        number(passed.now, 3)
      } there, above the ceiling ${
        number(passed.ceiling, 3)
      }, the most that the law fitted to it allows at any entropy.`,
      evidence: `${interval}; ${lawText(fit)}`,
    };
  }
  if (!fit.identified) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: the pairs do not identify the law; ${fit.identifiedBecause}`,
      evidence: `${lawText(fit)}; ceiling ${number(fit.ceiling, 3)} with ${interval}`,
    };
  }
  const at = scoreEnds(run.score!, run.score!.kind);
  const now = at?.now ?? NaN;
  const left = fit.ceiling - now;
  return {
    topic,
    severity: "notice",
    finding: `by the law the ceiling is ${number(fit.ceiling, 3)}, ` +
      (score?.fall !== undefined
        ? "but the score fell since, so that nothing is said of what is left."
        : isImpossible(fit, run)
        ? `above 1, the largest possible score, to which ${number(1 - now, 3)} is left.`
        : left > 0
        ? `${number(left, 3)} above the score now.`
        : now <= fit.interval.ceiling[1]
        ? `which the score now, ${number(now, 3)}, has reached.`
        : `below the score now, ${number(now, 3)}.`),
    evidence: `${interval}; ${lawText(fit)}`,
  };
}

/** Whether no score can be as large as the ceiling. */
function isImpossible({ ceiling }: RunFit["fit"], { score }: RunFit["run"]): boolean {
  return score!.unit === "fraction" && ceiling > 1;
}

/**
 * Said only of a score that rose while entropy was spent, by pairs that identify the law, and where no
 * entropy is below 0, of which H = 0 is the end.
 */
function gainDone({ fit, run }: RunFit, course: Overview["entropy"]): Finding | undefined {
  const at = scoreEnds(run.score!, run.score!.kind);
  if (!fit.identified || at === undefined || course === undefined) return undefined;
  const isSpent = course.end.value <= course.start.value && fit.entropyRange[0] >= 0;
  if (at.now <= at.start || !isSpent || fellFromPeak(run.score!.values)) return undefined;
  const isPastMost = isImpossible(fit, run);
  const most = isPastMost ? 1 : fit.ceiling;
  const share = (at.now - at.start) / (most - at.start);
  const gain = isPastMost ? "up to 1, the largest possible score," : "that this entropy can buy";
  if (!(share > 0 && Number.isFinite(100 * share))) return undefined;
  return {
    topic: "gain done",
    severity: share > 1 - LITTLE_LEFT ? "notice" : "fine",
    finding: share < 1
      ? `${number(100 * share, 3)} % of the gain ${gain} is done.`
      : `all of the gain ${gain} is done.`,
    evidence: `start ${number(at.start, 3)}, now ${number(at.now, 3)}, ceiling ${
      number(fit.ceiling, 3)
    } (${at.evidence})`,
  };
}

/** A score that lost more than this share of its gain has fallen. */
const LOST = 0.1;
/** A score that is looked at in more pieces is looked at in means of pieces. */
const PIECES = 20;

/** Whether the score, in up to twenty pieces, ends well below its highest piece. */
function fellFromPeak(values: Float64Array): boolean {
  const size = Math.ceil(values.length / PIECES);
  const pieces = Array.from({ length: Math.ceil(values.length / size) }, (_, i) => {
    const piece = values.subarray(i * size, (i + 1) * size);
    return piece.reduce((sum, value) => sum + value / piece.length, 0);
  });
  const peak = Math.max(...pieces);
  return peak - pieces.at(-1)! > LOST * (peak - pieces[0]!);
}

function singlePairs({ fit: { a, identified, influence } }: RunFit): Finding | undefined {
  if (influence?.interval === undefined) return undefined;
  const { pair, without, interval, carries } = influence;
  return {
    topic: "single pairs",
    severity: carries || identified ? "notice" : "unknown",
    finding: carries
      ? `the pair of step ${stepText(pair.step)} carries the fit.`
      : `the pair of step ${stepText(pair.step)} moves a by more than a quarter.`,
    evidence: `a ${number(a, 3)}, without it ${number(without, 3)}, 95 % interval ${
      ends(interval)
    }`,
    ...(carries ? { marks: [{ step: pair.step, label: "carries the fit" }] } : {}),
  };
}

function rivals({ rivals }: RunFit): Finding | undefined {
  const law = rivals.find(({ model }) => model === "law");
  const best = rivals.find(({ model }) => model !== "law");
  if (law?.aicc === undefined || best?.aicc === undefined) return undefined;
  const better = betterRival(rivals);
  const name = RIVAL_NAMES[best.model];
  return {
    topic: "rivals of the law",
    severity: better === undefined ? "fine" : "notice",
    finding: better !== undefined
      ? `${name} fits better than the law, so what the law says of the ceiling is in doubt.`
      : best.aicc - law.aicc < SMALLEST_DIFFERENCE
      ? `${name} fits as well as the law.`
      : "the law fits better than its rivals.",
    evidence: `${formulaOf(best.model)}: AICc ${number(best.aicc)}, the law's ${number(law.aicc)}${
      outOfSampleText(best, law)
    }`,
  };
}

function ends([low, high]: Interval): string {
  return `[${number(low, 3)}, ${number(high, 3)}]`;
}
