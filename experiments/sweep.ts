import type { Measurement } from "../analysis/figures/figure.ts";
import { type Course, coursePanel } from "../analysis/figures/course_panel.ts";
import { seriesLook } from "../analysis/figures/theme.ts";
import { fixed } from "../formats/minus.ts";
import { logsWith } from "./arms.ts";
import { ACCURACY, courseOf, ENTROPY, overSeeds, plateau } from "./courses.ts";
import type { RunSettings, StudyLog, StudyLogs } from "./study_log.ts";

/** One model under one intervention of several strengths. */
export interface Sweep {
  /** The model. */
  readonly model: string;
  /** From none to the strongest. */
  readonly levels: readonly Level[];
}

/** A strength. */
export interface Level {
  /** What the legend says. */
  readonly label: string;
  /** The run's settings, but for model and seed. */
  readonly settings: RunSettings;
}

/** The runs of a sweep, of one seed. */
export function sweepRuns({ model, levels }: Sweep): RunSettings[] {
  return levels.map(({ settings }) => ({ model, seed: 1, ...settings }));
}

/** The levels that have logs. */
function measuredLevels(
  { logs }: StudyLogs,
  { model, levels }: Sweep,
): (Level & { logs: StudyLog[]; look: ReturnType<typeof seriesLook> })[] {
  return levels.map((level, i) => ({
    ...level,
    logs: logsWith(logs, model, level.settings).filter(({ run }) => run.settings.seed === 1),
    look: seriesLook(i),
  })).filter(({ logs }) => logs.length > 0);
}

const PANELS = [
  { quantity: "Entropy (nats/token)", of: ENTROPY, zero: true },
  { quantity: "Test accuracy (%)", of: ACCURACY, zero: false },
];

/** Entropy, and below it accuracy, at each strength. */
export function sweepPanels(study: StudyLogs, sweep: Sweep) {
  const levels = measuredLevels(study, sweep);
  return PANELS.map(({ quantity, of, zero }, i) =>
    coursePanel(
      levels.map(({ label, logs, look }): Course => ({
        series: label,
        ...look,
        // One seed has no range.
        points: courseOf(logs, of).map(({ step, value }) => ({ step, value })),
      })),
      { quantity, zero, steps: i === PANELS.length - 1 ? "Gradient step" : undefined },
    )
  );
}

/** Entropy and accuracy over the last fifth of training, at each strength. */
export function measureSweep(
  study: StudyLogs,
  sweep: Sweep,
  paper: { readonly entropy?: string; readonly accuracy?: string },
): Measurement[] {
  const levels = measuredLevels(study, sweep);
  const each = (quantity: typeof ENTROPY, digits: number) =>
    levels.map(({ label, logs }) =>
      `${label}: ${
        overSeeds(logs.map((log) => plateau(log, quantity)), (value) => fixed(value, digits))
      }`
    ).join("; ");
  return [
    {
      quantity: "entropy, last fifth of training (nats/token)",
      ...(paper.entropy === undefined ? {} : { paper: paper.entropy }),
      measured: each(ENTROPY, 4),
    },
    {
      quantity: "accuracy, last fifth of training (%)",
      ...(paper.accuracy === undefined ? {} : { paper: paper.accuracy }),
      measured: each(ACCURACY, 1),
    },
  ];
}

/** The log of each strength that has one, from none to the strongest. */
export function sweepLogs(study: StudyLogs, sweep: Sweep): StudyLog[] {
  return measuredLevels(study, sweep).map(({ logs }) => logs[0]!);
}

/** Numbers in order, each once. */
export function inOrder(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
