/**
 * Figure 9: an entropy bonus hardly matters when its coefficient is small and explodes when it is large; the one in
 * between that holds the entropy is no better than none.
 */
import type { Figure } from "../analysis/figures/figure.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { ENTROPY_BONUS, GRPO } from "./arms.ts";
import { WINDOW_CAPTION } from "./courses.ts";
import { LAB_ACCURACY, labFigure } from "./lab_figure.ts";
import { readStudyLogs, type StudyLogs } from "./study_log.ts";
import { inOrder, measureSweep, type Sweep, sweepPanels, sweepRuns } from "./sweep.ts";

const SWEEP: Sweep = {
  model: "qwen2.5-7b",
  levels: [
    { label: "α = 0", settings: GRPO.settings },
    ...inOrder([...ENTROPY_BONUS.paper, ENTROPY_BONUS.tuned]).map((entropyCoefficient) => ({
      label: `α = ${entropyCoefficient}${
        entropyCoefficient === ENTROPY_BONUS.tuned ? " (tuned)" : ""
      }`,
      settings: { intervention: "entropy-bonus", entropyCoefficient },
    })),
  ],
};

/** The paper's coefficients and the tuned one, on the 7B counterpart. */
export const RUNS = sweepRuns(SWEEP);

/** Figure 9, from the lab's logs; the paper's curves were not digitised. */
export async function drawFigure9(): Promise<Figure[]> {
  return figure9(await readStudyLogs(RUNS));
}

/** The same, of given logs. */
export function figure9(study: StudyLogs): Figure[] {
  if (study.logs.length === 0) return [];
  return [labFigure(study, {
    id: "fig09_lab",
    title: "Figure 9 in the lab",
    caption:
      `Entropy and test accuracy of the counterpart of Qwen2.5-7B on math under GRPO with an entropy bonus of weight α: the paper's weights, and the one tuned for this task. ${WINDOW_CAPTION} ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
    spec: { vconcat: sweepPanels(study, SWEEP), spacing: 10 },
    measurements: measureSweep(study, SWEEP, {
      entropy: "0.0001 and 0.001 do little, 0.005 holds it, 0.01 explodes",
      accuracy: "none is better than α = 0",
    }),
  })];
}
