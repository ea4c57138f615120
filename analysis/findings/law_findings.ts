import { number } from "../../formats/number.ts";
import { entropyCourse } from "../entropy_course.ts";
import type { Finding } from "../finding.ts";
import { betterRival, SMALLEST_DIFFERENCE } from "../fit_verdict.ts";
import type { Interval } from "../interval.ts";
import { LawError } from "../law_error.ts";
import { lawText } from "../law_text.ts";
import { plateauText } from "../plateau_text.ts";
import { formulaOf, outOfSampleText, RIVAL_NAMES } from "../rivals.ts";
import type { RunFit } from "../run_fit.ts";
import { scoreEnds } from "../score_ends.ts";
import { CANNOT_TELL } from "./words.ts";

/** Less than this share of the gain is left: little more can be bought. */
const LITTLE_LEFT = 0.1;

/**
 * What the law says of a run, and how far to trust it: the ceiling, the gain that is done, single pairs,
 * the rivals, each benchmark, and what keeps the numbers from meaning what the paper's do.
 *
 * @param fitted The fit, or why there is none.
 */
export function lawFindings(fitted: RunFit | string): Finding[] {
  if (typeof fitted === "string") {
    return [{
      topic: "ceiling",
      severity: "unknown",
      finding: `${CANNOT_TELL}: no law can be fitted.`,
      evidence: fitted,
    }];
  }
  return [
    ceiling(fitted),
    gainDone(fitted),
    singlePairs(fitted),
    rivals(fitted),
    ...fitted.benchmarks.map(benchmark),
    ...fitted.cautions.map((caution): Finding => ({
      topic: "caution",
      severity: "notice",
      finding: caution,
      evidence: lawText(fitted.fit),
    })),
  ].filter((finding) => finding !== undefined);
}

function ceiling({ fit, run }: RunFit): Finding {
  const topic = "ceiling";
  const interval = `95 % interval ${ends(fit.interval.ceiling)}`;
  if (!fit.identified) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: the pairs do not identify the law; ${fit.identifiedBecause}`,
      evidence: `${lawText(fit)}; ceiling ${number(fit.ceiling, 3)} with ${interval}`,
    };
  }
  const at = scoreEnds(run.score!, run.score!.kind);
  const left = at === undefined ? NaN : fit.ceiling - at.now;
  return {
    topic,
    severity: "notice",
    finding: `by the law the ceiling is ${number(fit.ceiling, 3)}, ` +
      (left > 0 ? `${number(left, 3)} above the score now.` : `no more than the score now.`),
    evidence: `${interval}; ${lawText(fit)}`,
  };
}

/** Said only of a score that rose while entropy was spent, by pairs that identify the law. */
function gainDone({ fit, run }: RunFit): Finding | undefined {
  const at = scoreEnds(run.score!, run.score!.kind);
  const course = entropyCourse(run.entropy!);
  if (!fit.identified || at === undefined || course === undefined) return undefined;
  if (
    at.now <= at.start || course.end.value > course.start.value || fellFromPeak(run.score!.values)
  ) {
    return undefined;
  }
  const share = (at.now - at.start) / (fit.ceiling - at.start);
  if (!(share > 0 && Number.isFinite(100 * share))) return undefined;
  return {
    topic: "gain done",
    severity: share > 1 - LITTLE_LEFT ? "notice" : "fine",
    finding: `${number(100 * share, 3)} % of the gain that this entropy can buy is done.`,
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
      ? `the pair of step ${pair.step} carries the fit.`
      : `the pair of step ${pair.step} moves a by more than a quarter.`,
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

function benchmark({ key, fit, plateau }: RunFit["benchmarks"][number]): Finding {
  const flat = plateau === undefined ? "no plateau is seen" : plateauText(plateau);
  const law = fit instanceof LawError
    ? "no law can be fitted"
    : fit.identified
    ? `ceiling ${number(fit.ceiling, 3)}`
    : "its pairs do not identify the law";
  return {
    topic: "benchmark",
    severity: fit instanceof LawError || !fit.identified ? "unknown" : "fine",
    finding: `${key}: ${flat}; ${law}.`,
    evidence: fit instanceof LawError ? fit.message : `${lawText(fit)}; ${fit.identifiedBecause}`,
  };
}

function ends([low, high]: Interval): string {
  return `[${number(low, 3)}, ${number(high, 3)}]`;
}
