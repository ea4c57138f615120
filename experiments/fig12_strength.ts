/**
 * Figure 12: the entropy rises with the strength of the method, Clip-Cov's share r and KL-Cov's weight β, so that both
 * can steer it.
 */
import { sampleRankCorrelation } from "simple-statistics";
import type { Figure } from "../analysis/figures/figure.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { CLIP_COV, GRPO, KL_COV } from "./arms.ts";
import { WINDOW_CAPTION } from "./courses.ts";
import { LAB_ACCURACY, labFigure } from "./lab_figure.ts";
import { readStudyLogs, type StudyLogs } from "./study_log.ts";
import {
  inOrder,
  measureSweep,
  plateauEntropies,
  type Sweep,
  sweepPanels,
  sweepRuns,
} from "./sweep.ts";

const MODEL = "qwen2.5-7b";

/** r in the paper's proportions, 2 : 4 : 5 : 7, of which the first is that of its other figures. */
const RATIOS: Sweep = {
  model: MODEL,
  levels: [
    { label: "GRPO", settings: GRPO.settings },
    ...[1, 2, 2.5, 3.5].map((times) => {
      const clipCovRatio = Number((times * CLIP_COV.clipCovRatio).toPrecision(3));
      return { label: `r = ${clipCovRatio}`, settings: { ...CLIP_COV, clipCovRatio } };
    }),
  ],
};

/** The paper's β, and the tuned one. */
const COEFFICIENTS: Sweep = {
  model: MODEL,
  levels: inOrder([0, 0.05, 0.1, 0.5, 1, KL_COV.klCoefficient]).map((klCoefficient) => ({
    label: `β = ${klCoefficient}`,
    settings: { ...KL_COV, klCoefficient },
  })),
};

const SWEEPS = [
  {
    id: "fig12_r_lab",
    title: "Figure 12 in the lab: Clip-Cov",
    caption:
      "under Clip-Cov with the share r of the tokens, in the paper's proportions 2 : 4 : 5 : 7",
    sweep: RATIOS,
  },
  {
    id: "fig12_beta_lab",
    title: "Figure 12 in the lab: KL-Cov",
    caption:
      "under KL-Cov with the weight β. As its authors ran it, KL-Cov has no clip, so that β = 0 is GRPO without one",
    sweep: COEFFICIENTS,
  },
];

/** Both sweeps on the 7B counterpart. */
export const RUNS = SWEEPS.flatMap(({ sweep }) => sweepRuns(sweep));

/** Figure 12, from the lab's logs; the paper's curves were not digitised. */
export async function drawFigure12(): Promise<Figure[]> {
  const studies = await Promise.all(SWEEPS.map(({ sweep }) => readStudyLogs(sweepRuns(sweep))));
  return figure12(studies);
}

/** The same, of given logs: those of the sweep over r, and of the one over β. */
export function figure12(studies: readonly StudyLogs[]): Figure[] {
  return SWEEPS.flatMap(({ id, title, caption, sweep }, i) => {
    const study = studies[i]!;
    if (study.logs.length === 0) return [];
    return [labFigure(study, {
      id,
      title,
      caption:
        `Entropy and test accuracy of the counterpart of Qwen2.5-7B on math ${caption}. ${WINDOW_CAPTION} ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
      spec: { vconcat: sweepPanels(study, sweep), spacing: 10 },
      measurements: [
        {
          quantity: "rank correlation of the plateau's entropy with the strength",
          paper: "rises monotonically: 1",
          measured: describeOrder(plateauEntropies(study, sweep)),
        },
        ...measureSweep(study, sweep, {}),
      ],
    })];
  });
}

/** How far numbers rise, from the weakest strength to the strongest. */
function describeOrder(entropies: readonly number[]): string {
  if (entropies.length < 3) return `only ${entropies.length} strengths have runs`;
  const rank = sampleRankCorrelation([...entropies.keys()], [...entropies]);
  return `${rank.toFixed(2)} over ${entropies.length} strengths`;
}
