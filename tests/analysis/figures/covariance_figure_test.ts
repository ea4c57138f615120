/** The histogram of covariances: what is marked, and that any range of covariances can be drawn. */
import assert from "node:assert/strict";
import { covarianceFigure } from "../../../analysis/figures/covariance_figure.ts";
import { compileFigure, drawFigure } from "../../../analysis/figures/draw.ts";
import { TokenCollector } from "../../../analysis/tokens/collector.ts";
import {
  type CovarianceReport,
  covarianceReport,
} from "../../../analysis/tokens/covariance_report.ts";
import { DEFAULT_SETTINGS } from "../../../analysis/tokens/covariance_settings.ts";
import { assertSnapshot } from "../../support.ts";

/** A batch of tokens whose covariances have a tail on both sides. */
function report(
  scale: number,
  settings = { ...DEFAULT_SETTINGS, klCovRatio: 0.02 },
): CovarianceReport {
  const collector = new TokenCollector("tokens");
  const count = 2000;
  collector.add({
    count,
    logProb: Float64Array.from(
      { length: count },
      (_, i) => -scale * Math.expm1(2 * Math.abs(Math.sin(7 * i))),
    ),
    advantage: Float64Array.from({ length: count }, (_, i) => i % 2 === 0 ? 1 : -1),
    mask: undefined,
    oldLogProb: undefined,
    token: undefined,
  }, { sequence: 0, position: 0 });
  using dump = collector.finish("jsonl");
  return covarianceReport(dump, settings);
}

/** Where the rules of a figure stand, from left to right. */
function marks(figure: object): number[] {
  const { layer } = figure as { layer: { data: { values: { at: number }[] } }[] };
  return layer[1]!.data.values.map(({ at }) => at).sort((left, right) => left - right);
}

Deno.test("the compiled Vega specification", async () => {
  const compiled = compileFigure(covarianceFigure("batch.npz", report(1))) as { data: object[] };
  await assertSnapshot("covariance_histogram", {
    ...compiled,
    data: compiled.data.map((one) => ({ ...one, values: undefined })),
  });
});

Deno.test("bounds and thresholds are drawn where they lie within the covariances, and told anyway", () => {
  const inside = report(2);
  assert.deepEqual(
    marks(covarianceFigure("x", inside)),
    [1, inside.klCov.threshold, 5]
      .sort((left, right) => left! - right!),
  );
  const below = report(0.01);
  const figure = covarianceFigure("x", below);
  assert.deepEqual(marks(figure), [below.klCov.threshold]);
  assert.match(JSON.stringify(figure), /Clip-Cov selects 0 of 0 tokens between 1 and 5/);
  const none = covarianceFigure("x", report(1, { ...DEFAULT_SETTINGS, klCovRatio: 0 }));
  assert.match(JSON.stringify(none), /KL-Cov selects none/);
});

Deno.test("covariances of any size can be drawn", async () => {
  for (const scale of [0, 1e-320, 1e-150, 1e-12, 0.003, 30, 1e6, 1e295]) {
    const { svg } = await drawFigure("x", covarianceFigure("x", report(scale)));
    assert.doesNotMatch(svg, /NaN|Infinity/, String(scale));
    assert.match(svg, />0</, String(scale));
  }
});
