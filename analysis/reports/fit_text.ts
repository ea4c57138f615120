import { counted } from "../../formats/counted.ts";
import { number } from "../../formats/number.ts";
import { printable } from "../../formats/printable.ts";
import { bold } from "../../formats/terminal.ts";
import type { BenchmarkFit } from "../benchmarks.ts";
import { farFromSeen } from "../extrapolation.ts";
import { fitVerdict, predictionVerdict, SMALLEST_DIFFERENCE } from "../fit_verdict.ts";
import type { Interval } from "../interval.ts";
import type { LawFit } from "../law.ts";
import { LawError } from "../law_error.ts";
import { describeRule } from "../pairs.ts";
import { definitionText } from "../per_token.ts";
import { plateauText } from "../plateau_text.ts";
import { describePortion } from "../prediction.ts";
import { formulaOf, outOfSampleText, type Rival } from "../rivals.ts";
import { notesOfFit, type RunFit } from "../run_fit.ts";
import { choiceRows } from "./choice_text.ts";
import { LONGEST_ROW, reportText, type Row } from "./report_text.ts";
import { stepText } from "../step_text.ts";

/**
 * What `deno task fit` prints of a run.
 *
 * @param isPredictionAsked Whether the prediction was asked for: then it comes first, and whole.
 * @param heading What the run is headed by: by default its name.
 */
export function fitText(
  one: RunFit,
  isPredictionAsked = false,
  heading = one.run.name,
): string {
  const { run, pairing, fit, rivals } = one;
  const { entropy, score } = run;
  const [lowest, highest] = fit.entropyRange;
  const measured = entropy!.measured === "unknown"
    ? "the log does not say when it was measured"
    : `measured ${entropy!.measured}`;
  const predicted: Row = ["prediction", predictionText(one, isPredictionAsked)];
  const rows: Row[] = [
    ["verdict", [...(isPredictionAsked ? [predictionVerdict(one)] : []), fitVerdict(one)]],
    ...(isPredictionAsked ? [predicted] : []),
    ["entropy", `${entropy!.key} (${definitionText(entropy!)}; ${measured})`],
    ["score", `${score!.label} (${score!.kind}, ${score!.unit})`],
    ["pairing", `${pairing.rule}: ${describeRule(pairing.rule)}`],
    [
      "pairs",
      `${fit.n}${
        pairing.dropped > 0
          ? `, ${counted(pairing.dropped, "score")} without an entropy dropped`
          : ""
      }; H from ${number(highest)} to ${number(lowest)} nats`,
    ],
    ["a", withInterval(fit.a, fit.interval.a)],
    ["b", withInterval(fit.b, fit.interval.b)],
    ["ceiling", `${withInterval(fit.ceiling, fit.interval.ceiling)} (b − a, at H = 0)`],
    ["R²", `${number(fit.r2, 3)}, RMSE ${number(fit.rmse, 3)}`],
    ["identified", `${fit.identified ? "yes" : "no"}: ${fit.identifiedBecause}`],
    ["single pairs", influenceText(fit)],
    ...(isPredictionAsked ? [] : [predicted]),
    ["ahead", aheadText(one)],
    ["best rival", rivalText(rivals)],
    [
      "intervals",
      `${fit.bootstrap.method}, blocks of ${fit.bootstrap.blockLength}, ${fit.bootstrap.draws} draws`,
    ],
  ];
  rows.push(...choiceRows(run));
  if (one.benchmarks.length > 0) rows.push(["benchmarks", one.benchmarks.map(benchmarkText)]);
  for (const caution of one.cautions) rows.push(["caution", caution]);
  for (const note of notesOfFit(one)) rows.push(["note", note]);
  if (run.malformed.count > 0) {
    rows.push([
      "malformed",
      `${counted(run.malformed.count, "piece")} left out, such as ${run.malformed.examples[0]}`,
    ]);
  }
  const head = `${bold(printable(heading, LONGEST_ROW))} (${run.format}, steps ${
    stepText(run.steps.first)
  } to ${stepText(run.steps.last)})`;
  return reportText(head, rows, 13);
}

function withInterval(value: number, interval: Interval): string {
  return `${number(value).padEnd(9)} 95 % interval ${ends(interval)}`;
}

function ends([low, high]: Interval, digits = 4): string {
  return `[${number(low, digits)}, ${number(high, digits)}]`;
}

function influenceText({ a, influence }: LawFit): string {
  if (influence === undefined) return "none can be left out, or none moves a";
  const { pair, without, interval, carries } = influence;
  return `that of step ${stepText(pair.step)} moves a most: without it a is ${number(without, 3)}` +
    (interval === undefined ? "" : ` ${ends(interval, 3)}`) +
    ` instead of ${number(a, 3)}${carries ? ", so it carries the fit" : ""}`;
}

function predictionText(
  { prediction, fit, pairing }: RunFit,
  isWhole: boolean,
): string | string[] {
  if (prediction instanceof LawError) return `not made: ${prediction.message}`;
  const { portion, direction, fitted, fittedSteps: [from, to], predicted, rmse, end } = prediction;
  const isReverse = direction === "reverse";
  const source = `from ${describePortion(portion, isReverse)} (${counted(fitted, "pair")}, steps ${
    stepText(from)
  } to ${stepText(to)})`;
  const far = `predicted ${number(end.predicted, 3)} at step ${stepText(end.step)}`;
  if (!isWhole) {
    const outside = farFromSeen(end.predicted, pairing.map(({ score }) => score));
    return `${source}: ${far}${outside}; seen ${number(end.seen, 3)}; more with --first`;
  }
  return [
    `${source}:`,
    `${far} (H ${number(end.entropy, 3)}), 95 % interval ${ends(end.interval, 3)}; seen ${
      number(end.seen, 3)
    }`,
    `predicted ceiling ${number(prediction.ceiling, 3)}, 95 % interval ${
      ends(prediction.ceilingInterval, 3)
    }; by all pairs ${number(fit.ceiling, 3)}`,
    `RMSE ${number(rmse, 3)} over the other ${counted(predicted, "pair")}`,
  ];
}

function aheadText({ ahead, stand: { plateau, gain } }: RunFit): string {
  if (typeof ahead === "string") return ahead;
  const { step, isPlanned, entropy, predicted, stays, interval } = ahead;
  const stalled = plateau === undefined || gain?.why === "open" || gain?.rises === true
    ? ""
    : `, though the score has ${plateau.fall === undefined ? "stopped" : "fallen"}`;
  return `at step ${stepText(step)} (${
    isPlanned ? "the end that the log states" : "half as many steps again"
  }) the law says ${number(predicted, 3)} if entropy falls on as over the last half, to ${
    number(entropy, 3)
  } nats, and ${number(stays.predicted, 3)} if it stays at ${
    number(stays.entropy, 3)
  }; 95 % interval over both ${ends(interval, 3)}${stalled}`;
}

function benchmarkText({ key, fit, plateau }: BenchmarkFit): string {
  const flat = plateau === undefined ? "" : `; ${plateauText(plateau)}`;
  if (fit instanceof LawError) return `${key}: no law, ${fit.message.replace(/\.$/, "")}${flat}`;
  return `${key}: a ${number(fit.a, 3)} ${ends(fit.interval.a, 3)}, ceiling ${
    number(fit.ceiling, 3)
  }, R² ${number(fit.r2, 2)}, ${fit.identified ? "identified" : "not identified"}${flat}`;
}

function rivalText(rivals: readonly Rival[]): string {
  const law = rivals.find(({ model }) => model === "law");
  const best = rivals.find(({ model }) => model !== "law");
  if (law === undefined || best === undefined) return "none can be fitted to these numbers";
  const better = law.aicc === undefined || best.aicc === undefined
    ? undefined
    : law.aicc - best.aicc;
  const verdict = better === undefined
    ? "too few pairs to compare"
    : `AICc ${number(best.aicc, 4)} against the law's ${number(law.aicc, 4)}: ` +
      (Math.abs(better) < SMALLEST_DIFFERENCE
        ? "no difference"
        : better > 0
        ? "the rival fits better"
        : "the law fits better");
  return `${best.model}, ${formulaOf(best.model)}; ${verdict}${outOfSampleText(best, law)}`;
}
