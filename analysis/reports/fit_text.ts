import { counted } from "../../formats/counted.ts";
import { number } from "../../formats/number.ts";
import { printable } from "../../formats/printable.ts";
import { bold } from "../../formats/terminal.ts";
import type { Interval } from "../interval.ts";
import { LawError } from "../law_error.ts";
import { describeRule } from "../pairs.ts";
import { describePortion, type Prediction } from "../prediction.ts";
import { formulaOf, type Rival } from "../rivals.ts";
import { notesOfFit, type RunFit } from "../run_fit.ts";
import { choiceRows } from "./choice_text.ts";
import { LONGEST_ROW, reportText, type Row } from "./report_text.ts";

/** What `deno task fit` prints of a run. */
export function fitText(one: RunFit): string {
  const { run, pairing, fit, prediction, rivals } = one;
  const { entropy, score } = run;
  const [lowest, highest] = fit.entropyRange;
  const interval = (value: number, [low, high]: Interval) =>
    `${number(value).padEnd(9)} 95 % interval [${number(low)}, ${number(high)}]`;
  const rows: Row[] = [
    ["entropy", `${entropy!.key} (${entropy!.definition}; measured ${entropy!.measured})`],
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
    ["a", interval(fit.a, fit.interval.a)],
    ["b", interval(fit.b, fit.interval.b)],
    ["ceiling", `${interval(fit.ceiling, fit.interval.ceiling)} (b − a, at H = 0)`],
    ["R²", `${number(fit.r2, 3)}, RMSE ${number(fit.rmse, 3)}`],
    ["identified", `${fit.identified ? "yes" : "no"}: ${fit.identifiedBecause}`],
    ["prediction", predictionText(prediction)],
    ["best rival", rivalText(rivals)],
    [
      "intervals",
      `${fit.bootstrap.method}, blocks of ${fit.bootstrap.blockLength}, ${fit.bootstrap.draws} draws`,
    ],
  ];
  rows.push(...choiceRows(run));
  for (const note of notesOfFit(one)) rows.push(["note", note]);
  if (run.malformed.count > 0) {
    rows.push([
      "malformed",
      `${counted(run.malformed.count, "piece")} left out, such as ${run.malformed.examples[0]}`,
    ]);
  }
  const head = `${
    bold(printable(run.name, LONGEST_ROW))
  } (${run.format}, steps ${run.steps.first} to ${run.steps.last})`;
  return reportText(head, rows, 13);
}

function predictionText(prediction: Prediction | LawError): string {
  if (prediction instanceof LawError) return `not made: ${prediction.message}`;
  const { portion, direction, fitted, fittedSteps: [from, to], predicted, rmse, endError } =
    prediction;
  const end = direction === "reverse" ? "at the start" : "at the end";
  const sign = endError < 0 ? "−" : "+";
  return `from ${describePortion(portion, direction === "reverse")} (${
    counted(fitted, "pair")
  }, steps ${from} to ${to}): ` +
    `RMSE ${number(rmse, 3)} over the other ${predicted}, ${end} ${sign}${
      number(Math.abs(endError), 3)
    }`;
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
      (Math.abs(better) < 2
        ? "no difference"
        : better > 0
        ? "the rival fits better"
        : "the law fits better");
  return `${best.model}, ${
    formulaOf(best.model)
  }; ${verdict}; RMSE of the second half from the first ` +
    `${number(best.outOfSample, 3)} against ${number(law.outOfSample, 3)}`;
}
