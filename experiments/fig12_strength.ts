/**
 * Figure 12: the entropy rises with the strength of the method, Clip-Cov's share r and KL-Cov's weight β, so that both
 * can steer it.
 */
import { mean, sampleRankCorrelation } from "simple-statistics";
import type { Figure } from "../analysis/figures/figure.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { counted } from "../formats/counted.ts";
import { fixed } from "../formats/minus.ts";
import { CLIP_COV, GRPO, KL_COV } from "./arms.ts";
import { ENTROPY, inWindows, plateau, WINDOW, WINDOW_CAPTION } from "./courses.ts";
import { LAB_ACCURACY, labFigure } from "./lab_figure.ts";
import { readStudyLogs, type StudyLog, type StudyLogs } from "./study_log.ts";
import { inOrder, measureSweep, type Sweep, sweepLogs, sweepPanels, sweepRuns } from "./sweep.ts";

const MODEL = "qwen2.5-7b";

/**
 * r in the paper's proportions, 2 : 4 : 5 : 7. Not the first but the last is that of the other figures: no more tokens
 * than it takes lie within ω.
 */
const RATIOS: Sweep = {
  model: MODEL,
  levels: [
    { label: "GRPO", settings: GRPO.settings },
    ...[2, 4, 5, 7].map((part) => {
      const clipCovRatio = Number((part / 7 * CLIP_COV.clipCovRatio).toPrecision(3));
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

/** The runs over r, and those over β. */
export const RUNS_BY_SWEEP = SWEEPS.map(({ sweep }) => sweepRuns(sweep));

/** Both sweeps on the 7B counterpart. */
export const RUNS = RUNS_BY_SWEEP.flat();

/** Figure 12, from the lab's logs; the paper's curves were not digitised. */
export async function drawFigure12(): Promise<Figure[]> {
  return figure12(await Promise.all(RUNS_BY_SWEEP.map((runs) => readStudyLogs(runs))));
}

/** The same, of given logs, those of {@linkcode RUNS_BY_SWEEP}. */
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
          measured: describeOrder(
            sweepLogs(study, sweep).map((log) => plateau(log, ENTROPY)),
          ),
        },
        {
          quantity:
            `change of the entropy between neighbouring means of ${WINDOW} rollouts over the entropy, second half of training, mean over strengths`,
          paper: "KL-Cov's curves are steadier than Clip-Cov's",
          measured: `${
            (100 * mean(sweepLogs(study, sweep).map((log) => unsteadiness(log)))).toFixed(1)
          } %`,
        },
        ...measureSweep(study, sweep, {}),
      ],
    })];
  });
}

/** How much the entropy moves from window to window in the second half of training, as a share of it. */
function unsteadiness(log: StudyLog): number {
  const late = ENTROPY(log).filter(({ step }) => step > log.run.settings.steps / 2);
  const values = inWindows(late).map(({ value }) => value);
  return mean(values.slice(1).map((value, i) => Math.abs(value - values[i]!))) / mean(values);
}

/** How far numbers rise, from the weakest strength to the strongest. */
function describeOrder(entropies: readonly number[]): string {
  if (entropies.length < 3) return `only ${counted(entropies.length, "strength")} with runs`;
  const rank = sampleRankCorrelation([...entropies.keys()], [...entropies]);
  return `${fixed(rank, 2)} over ${entropies.length} strengths`;
}
