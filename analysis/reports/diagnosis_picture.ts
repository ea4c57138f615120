import type { FittedDiagnosis } from "../diagnosis.ts";
import type { FigureSpec } from "../figures/draw.ts";
import { courseFigure, type CoursePanel } from "../figures/course_figure.ts";
import { lawFigure } from "../figures/law_figure.ts";
import { lawText } from "../law_text.ts";
import type { FindingMark } from "../finding.ts";
import type { CompanionName } from "../readers/companion_keys.ts";
import { companionOf } from "../readers/companions.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import type { RunFit } from "../run_fit.ts";

/**
 * The picture of a diagnosed run: entropy, score, response length, clip fraction and what a mark is about over
 * the step, as far as the log has them, with its verdict above and its findings marked, and the law beside them where one can be fitted. Undefined
 * where the log has fewer than two values of each.
 */
export function diagnosisPicture(
  run: Run,
  { diagnosis: { findings, verdict }, fitted }: FittedDiagnosis,
): FigureSpec | undefined {
  const marks = marksOf(findings.flatMap(({ marks }) => marks ?? []));
  const panels = panelsOf(run, marks);
  if (panels.length === 0) return undefined;
  return courseFigure({
    title: run.name,
    verdict,
    panels,
    marks,
    beside: lawOf(run, fitted),
  });
}

/** One mark of each name: two findings may name a best score, the first is that of the graver one. */
function marksOf(marks: readonly FindingMark[]): FindingMark[] {
  return marks.filter(({ label }, i) => marks.findIndex((one) => one.label === label) === i);
}

/** Names that are too long for a panel's axis. */
const PANEL_TITLES: Partial<Record<CompanionName, string>> = {
  "KL to the rollout policy": "KL (rollout)",
  "KL to the reference": "KL (reference)",
  "gradient norm": "Gradient norm",
  "truncated responses": "Truncated share",
  "train/inference mismatch": "Mismatch",
};

/** Metrics that are drawn where a mark is about them. */
const MARKED: readonly CompanionName[] = [
  "KL to the rollout policy",
  "KL to the reference",
  "gradient norm",
  "truncated responses",
  "train/inference mismatch",
];

function panelsOf(run: Run, marks: readonly FindingMark[]): CoursePanel[] {
  const { entropy, score } = run;
  const isFraction = score?.unit === "fraction";
  const companion = (name: CompanionName) => companionOf(run, name)?.series;
  const all: [string, Series | undefined][] = [
    ["Entropy (nats)", entropy],
    [isFraction ? "Accuracy (%)" : "Score", isFraction ? inPercent(score!) : score],
    ["Length (tokens)", companion("response length")],
    ["Clip fraction", companion("clip fraction")],
    ...MARKED.filter((name) => marks.some(({ label }) => label.startsWith(name))).map((
      name,
    ): [string, Series | undefined] => [PANEL_TITLES[name] ?? name, companion(name)]),
  ];
  return all.flatMap(([title, series]) =>
    series === undefined || series.values.length < 2 ? [] : [{ title, series }]
  );
}

function inPercent({ steps, values }: Series): Series {
  return { steps, values: values.map((value) => 100 * value) };
}

function lawOf(run: Run, fitted: RunFit | string): FigureSpec | undefined {
  if (typeof fitted === "string") return undefined;
  const { fit, pairing } = fitted;
  if (!pairing.some(({ entropy }) => entropy > 0)) return undefined;
  const unit = run.score!.unit;
  return {
    ...lawFigure([{ name: run.name, pairs: pairing, fit }], unit),
    title: {
      text: fit.identified ? lawText(fit) : ["the pairs do not identify the law:", lawText(fit)],
      fontWeight: "normal",
      fontSize: 10,
    },
    width: 300,
    height: 260,
  };
}
