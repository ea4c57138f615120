import { LawError } from "../law_error.ts";
import { describePortion } from "../prediction.ts";
import type { FigureSpec } from "../figures/draw.ts";
import { lawFigure } from "../figures/law_figure.ts";
import type { RunFit } from "../run_fit.ts";

/**
 * The picture of fitted runs, as {@linkcode lawFigure} draws them: in percent if all scores are fractions.
 *
 * @param showsPrediction Whether the law of the fitted part of each run is drawn as well, and its pairs apart.
 * @throws {UserError} if no run has a positive entropy.
 */
export function fitPicture(fits: readonly RunFit[], showsPrediction = false): FigureSpec {
  const unit = fits.every(({ run }) => run.score?.unit === "fraction") ? "fraction" : "reward";
  const names = fits.map(({ run }) => run.name);
  const series = fits.map(({ pairing, fit, run, prediction }, i) => ({
    // Runs of the same name are told apart by where they come from.
    name: names.indexOf(run.name) === names.lastIndexOf(run.name)
      ? run.name
      : `${run.source} ${i + 1}`,
    pairs: pairing,
    fit,
    predicted: !showsPrediction || prediction instanceof LawError ? undefined : {
      curve: prediction,
      fittedSteps: prediction.fittedSteps,
      part: describePortion(prediction.portion, prediction.direction === "reverse"),
    },
  }));
  return lawFigure(series, unit);
}
