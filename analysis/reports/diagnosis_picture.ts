import type { Diagnosis } from "../diagnosis.ts";
import type { FigureSpec } from "../figures/draw.ts";
import { courseFigure, type CoursePanel } from "../figures/course_figure.ts";
import { lawFigure } from "../figures/law_figure.ts";
import { lawText } from "../law_text.ts";
import type { CompanionName } from "../readers/companion_keys.ts";
import { companionOf } from "../readers/companions.ts";
import type { Run } from "../readers/run.ts";
import type { Series } from "../readers/series.ts";
import { tryFit } from "../try_fit.ts";

/**
 * The picture of a diagnosed run: entropy, score, response length and clip fraction over the step, as far as
 * the log has them, with its findings marked, and the law beside them where one can be fitted. Undefined
 * where the log has fewer than two values of each.
 */
export function diagnosisPicture(run: Run, { findings }: Diagnosis): FigureSpec | undefined {
  const panels = panelsOf(run);
  if (panels.length === 0) return undefined;
  return courseFigure({
    title: run.name,
    panels,
    marks: findings.flatMap(({ marks }) => marks ?? []),
    beside: lawOf(run),
  });
}

function panelsOf(run: Run): CoursePanel[] {
  const { entropy, score } = run;
  const isFraction = score?.unit === "fraction";
  const companion = (name: CompanionName) => companionOf(run, name)?.series;
  const all: [string, Series | undefined][] = [
    ["Entropy (nats)", entropy],
    [isFraction ? "Accuracy (%)" : "Score", isFraction ? inPercent(score!) : score],
    ["Length (tokens)", companion("response length")],
    ["Clip fraction", companion("clip fraction")],
  ];
  return all.flatMap(([title, series]) =>
    series === undefined || series.values.length < 2 ? [] : [{ title, series }]
  );
}

function inPercent({ steps, values }: Series): Series {
  return { steps, values: values.map((value) => 100 * value) };
}

function lawOf(run: Run): FigureSpec | undefined {
  const fitted = tryFit(run);
  if (typeof fitted === "string") return undefined;
  const { fit, pairing } = fitted;
  if (!pairing.some(({ entropy }) => entropy > 0)) return undefined;
  const unit = run.score!.unit;
  return {
    ...lawFigure([{ name: run.name, pairs: pairing, fit }], unit),
    title: { text: lawText(fit), fontWeight: "normal", fontSize: 10 },
    width: 300,
    height: 260,
  };
}
