/**
 * Figure 6: a and b do not depend on the algorithm. Qwen2.5-7B under GRPO, RLOO, PRIME and REINFORCE++ lies on one curve.
 */
import type { Figure } from "../analysis/figures/figure.ts";
import { fitRuns } from "../analysis/fit_runs.ts";
import {
  blackLines,
  LAW_PANEL_CAPTION,
  lawAxes,
  lawCurve,
  lawPanel,
} from "../analysis/figures/law_panel.ts";
import { PAPER_ENTROPY } from "../analysis/paper_data.ts";
import { LAB_ACCURACY, labFigure, lawsBy, measureLaw, measureOneLaw } from "./lab_figure.ts";
import { plainRuns, SEEDS } from "./plain_runs.ts";
import { readStudyLogs, type StudyLogs } from "./study_log.ts";

/** The algorithms, as the legend and the settings call them. */
const ALGORITHMS = [
  ["GRPO", "grpo"],
  ["RLOO", "rloo"],
  ["PRIME", "prime"],
  ["REINFORCE++", "reinforce++"],
] as const;

/** The 7B counterpart on math: four algorithms, three seeds. */
export const RUNS = [
  ...plainRuns(["qwen2.5-7b"], "math"),
  ...ALGORITHMS.slice(1).flatMap(([, algorithm]) => SEEDS.map((seed) => ({ algorithm, seed }))),
];

/** Figure 6, from the logs that are there. */
export async function drawFigure6(): Promise<Figure[]> {
  return figure6(await readStudyLogs(RUNS));
}

/** Figure 6, from logs. */
export function figure6(study: StudyLogs): Figure[] {
  if (study.logs.length === 0) return [];
  const laws = lawsBy(
    study.logs,
    ({ run }) => ALGORITHMS.find(([, name]) => name === run.settings.algorithm)![0],
  );
  const joint = fitRuns("all together", laws.flatMap(({ runs }) => runs));
  const axes = lawAxes(laws);
  const panel = lawPanel(laws, { axes, legendColumns: 4 });
  const lines = joint.fit?.identified
    ? [blackLines(lawCurve(joint, joint.fit), "one law for all", axes)]
    : [];
  return [labFigure(study, {
    id: "fig06_lab",
    title: "Figure 6 in the lab",
    caption:
      `The counterpart of Qwen2.5-7B on math under four algorithms, with a law for each (colours) and one for all (black). ${LAW_PANEL_CAPTION} ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
    spec: { ...panel, layer: [...panel.layer, ...lines] },
    measurements: [
      ...measureOneLaw("algorithms", laws, "yes, by eye"),
      ...[joint, ...laws].flatMap(measureLaw),
    ],
  })];
}
