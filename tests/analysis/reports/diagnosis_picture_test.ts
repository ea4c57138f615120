/** What the picture of a diagnosed run shows. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnoseWithFit } from "../../../analysis/diagnosis.ts";
import { drawFigure } from "../../../analysis/figures/draw.ts";
import { readRun } from "../../../analysis/readers/read_run.ts";
import { diagnosisPicture } from "../../../analysis/reports/diagnosis_picture.ts";
import { withFolder } from "../../support.ts";
import { verlJsonl } from "../readers/write_logs.ts";

Deno.test("what a mark is about has a panel, a mark stands once, and the verdict and an open law are told", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    const wave = (step: number) => 0.003 * Math.sin(2.3 * step * step);
    const rows = Array.from({ length: 120 }, (_, step) => ({
      step,
      values: {
        "actor/entropy": 0.5 + wave(step),
        "critic/score/mean": 0.3 + 0.004 * Math.min(step, 70) - 0.009 * Math.max(0, step - 70) +
          wave(step),
        "actor/ppo_kl": 0.0003 * (1 + wave(step)),
        "training/rollout_probs_diff_mean": (step < 60 ? 0.004 : 0.05) * (1 + wave(step)),
      },
    }));
    await Deno.writeTextFile(path, verlJsonl(rows));
    const run = await readRun(path);
    const found = diagnoseWithFit(run);
    const { diagnosis } = found;
    const { svg } = await drawFigure("a", diagnosisPicture(run, found)!);
    assert(svg.includes("train/inference mismatch moves first (step 60)"));
    assert(svg.includes(">Mismatch<"));
    assert.equal(new Set(svg.match(/best score \(step \d+\)/g)).size, 1);
    assert(svg.includes("the pairs do not identify the law:"));
    assert(svg.includes(diagnosis.verdict.slice(0, 40)));
    // The law that is drawn is the one that was found: it is not fitted once more.
    const lawless = diagnosisPicture(run, { diagnosis, fitted: "no law" })!;
    assert(!(await drawFigure("a", lawless)).svg.includes("the pairs do not identify the law:"));
  }));
