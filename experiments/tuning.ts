/**
 * How strong each intervention is in the study: as many strengths of each were tried, once, on a seed that no figure uses,
 * and the one is taken that ended most accurate. The whole sweep is shown.
 */
import { max, mean, min } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { COLOURS, logTicks } from "../analysis/figures/theme.ts";
import {
  ARMS,
  CLIP_COV,
  CLIP_HIGHER,
  ENTROPY_BONUS,
  GRPO,
  KL_COV,
  logsWith,
  REFERENCE_KL,
} from "./arms.ts";
import { ACCURACY, ENTROPY, logged, plateau } from "./courses.ts";
import { trainSettings } from "./lab/train_settings.ts";
import { LAB_ACCURACY, labFigure } from "./lab_figure.ts";
import { foundByRarity, misconceptionsOf } from "./found_facts.ts";
import { readStudyLogs, type RunSettings, type StudyLog, type StudyLogs } from "./study_log.ts";

const MODEL = "qwen2.5-7b";

/** No figure has this seed. */
const SEED = 9;

/** An intervention and the strengths of it that were tried. */
interface Trial {
  /** What it is called here. */
  readonly method: string;
  /** What the legend says, and the run's settings but for model and seed. */
  readonly levels: readonly { readonly label: string; readonly settings: RunSettings }[];
}

/**
 * The strengths that were tried: the authors' or the weakest that a batch of the lab can tell from none, two stronger
 * ones, and when those were known, twice two more where the best may be.
 */
export const TRIALS: readonly Trial[] = [
  {
    method: "Clip-higher",
    levels: [0.28, 0.5, 1, 2, 4, 8, 16].map((clipHigh) => ({
      label: `ε up to ${clipHigh}`,
      settings: { intervention: "clip-higher", clipHigh },
    })),
  },
  {
    method: "Clip-Cov",
    // Within ω of 1 to 5 there are no more tokens than r 0.08 takes.
    levels: [
      ...[0.005, 0.02, 0.08].map((clipCovRatio) => ({
        label: `r ${clipCovRatio}`,
        settings: { intervention: "clip-cov", clipCovRatio },
      })),
      ...[[0.04, 1], [0.08, 1], [0.08, 2], [0.16, 0.5]].map(([clipCovRatio, covarianceLow]) => ({
        label: `r ${clipCovRatio}, ω ${covarianceLow} to 20`,
        settings: { intervention: "clip-cov", clipCovRatio, covarianceLow, covarianceHigh: 20 },
      })),
    ],
  },
  {
    method: "KL-Cov",
    levels: [[0.02, 0.1], [0.02, 1], [0.1, 0.1], [0.1, 1], [0.1, 3], [0.1, 10], [0.02, 10]].map((
      [klCovRatio, klCoefficient],
    ) => ({
      label: `k ${klCovRatio}, β ${klCoefficient}`,
      settings: { intervention: "kl-cov", klCovRatio, klCoefficient },
    })),
  },
  {
    method: "Entropy bonus",
    levels: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1].map((entropyCoefficient) => ({
      label: `α ${entropyCoefficient}`,
      settings: { intervention: "entropy-bonus", entropyCoefficient },
    })),
  },
  {
    method: "Reference KL",
    levels: [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3].map((referenceCoefficient) => ({
      label: `β ${referenceCoefficient}`,
      settings: { intervention: "reference-kl", referenceCoefficient },
    })),
  },
];

const NONE: Trial = { method: GRPO.label, levels: [{ label: "none", settings: GRPO.settings }] };

/** The strengths that the figures use. */
const USED: readonly RunSettings[] = [
  GRPO.settings,
  CLIP_HIGHER,
  CLIP_COV,
  KL_COV,
  { intervention: "entropy-bonus", entropyCoefficient: ENTROPY_BONUS.tuned },
  { intervention: "reference-kl", referenceCoefficient: REFERENCE_KL.tuned },
];

/** How the methods look that figure 11 does not have. */
const OTHER_LOOKS: Readonly<Record<string, { readonly colour: string; readonly shape: string }>> = {
  "Entropy bonus": { colour: COLOURS[2]!, shape: "cross" },
  "Reference KL": { colour: COLOURS[5]!, shape: "triangle-down" },
};

const lookOf = (method: string) =>
  ARMS.find(({ label }) => label === method) ?? OTHER_LOOKS[method]!;

/** One run of each strength, and one without. */
export const RUNS: readonly RunSettings[] = [NONE, ...TRIALS].flatMap(({ levels }) =>
  levels.map(({ settings }) => ({ model: MODEL, seed: SEED, ...settings }))
);

/** What a strength ended at. */
export interface TrialResult {
  /** The intervention. */
  readonly method: string;
  /** Its strength. */
  readonly label: string;
  /** The run's settings but for model and seed. */
  readonly settings: RunSettings;
  /** Entropy over the last fifth of training, in nats per token. */
  readonly entropy: number;
  /** Accuracy over the last fifth of training, in percent. */
  readonly accuracy: number;
  /** Whether the figures use it. */
  readonly isUsed: boolean;
  /** The gradient's norm before clipping, over the first third of training. */
  readonly gradientNorm: number;
  /** Misconceptions whose right answer it found, from the rarest decade to the most frequent, in percent. */
  readonly found: readonly number[];
}

/** The gradient's norm before clipping while most is learnt: the first third of training. */
function earlyGradientNorm(log: StudyLog): number {
  const early = logged(log, "actor/grad_norm")
    .filter(({ step }) => 3 * step <= log.run.settings.steps);
  return mean(early.map(({ value }) => value));
}

/** What each strength that has a log ended at, in the order of {@linkcode RUNS}. */
export function trialResults({ logs }: StudyLogs): TrialResult[] {
  return [NONE, ...TRIALS].flatMap(({ method, levels }) =>
    levels.flatMap(({ label, settings }) =>
      logsWith(logs, MODEL, settings).map((log) => ({
        method,
        label,
        settings,
        isUsed: USED.some((used) => logsWith([log], MODEL, used).length > 0),
        entropy: plateau(log, ENTROPY),
        accuracy: plateau(log, ACCURACY),
        gradientNorm: earlyGradientNorm(log),
        found: foundByRarity(misconceptionsOf(log.curves)).map(({ share }) => 100 * share),
      }))
    )
  );
}

/** The sweep, from the lab's logs. */
export async function drawTuning(): Promise<Figure[]> {
  return tuning(await readStudyLogs(RUNS));
}

/** What is shown of each strength, on axes beside one another. */
const PANELS = [
  { field: "accuracy", title: "Accuracy (%)", scale: { type: "linear", zero: false } },
  { field: "entropy", title: "Entropy (nats)", scale: { type: "log", nice: false } },
  { field: "gradientNorm", title: "Gradient norm", scale: { type: "log", nice: false } },
] as const;

/** The same, of given logs. */
export function tuning(study: StudyLogs): Figure[] {
  const results = trialResults(study);
  if (results.length === 0) return [];
  const methods = [NONE, ...TRIALS].map(({ method }) => method);
  const series = { field: "method", type: "nominal" as const, legend: { title: null, columns: 3 } };
  const looks = methods.map(lookOf);
  const colour = { domain: methods, range: looks.map(({ colour }) => colour) };
  const look = {
    color: { ...series, scale: colour },
    fill: { ...series, scale: colour },
    fillOpacity: { condition: { test: "datum.isUsed", value: 1 }, value: 0 },
    shape: { ...series, scale: { domain: methods, range: looks.map(({ shape }) => shape) } },
  };
  return [labFigure(study, {
    id: "tuning_lab",
    title: "The strengths of the interventions",
    caption:
      `Where each strength that was tried ends, the counterpart of Qwen2.5-7B on math: test accuracy and entropy per token, means over the last fifth of training. Of each intervention the most accurate one is used in the figures (filled). A difference of a point or two may be the seed. The gradient's norm is that of the first third, before it is clipped at ${
        trainSettings({ model: MODEL }).maxGradientNorm
      }: where it is far larger, the penalty has most of the step. ${LAB_ACCURACY}`,
    spec: {
      data: { values: results },
      spacing: 10,
      hconcat: PANELS.map(({ field, title, scale }, i) => ({
        width: 84,
        height: { step: 13 },
        mark: { type: "point" as const, filled: false, strokeWidth: 1.2 },
        encoding: {
          x: {
            field,
            type: "quantitative" as const,
            title,
            scale: { ...scale, padding: 6 },
            axis: {
              ...(scale.type === "log" ? { values: ticksOf(results, field) } : { tickCount: 3 }),
              format: "~r",
              labelOverlap: "greedy" as const,
              labelSeparation: 4,
            },
          },
          y: {
            field: "label",
            type: "nominal" as const,
            title: null,
            sort: null,
            axis: i === 0 ? { grid: true } : { grid: true, labels: false, ticks: false },
          },
          ...look,
        },
      })),
    },
    measurements: methods.flatMap((method) => measureMethod(method, results)),
  })];
}

/** Ticks of a logarithmic axis that has all values. */
function ticksOf(
  results: readonly TrialResult[],
  field: "accuracy" | "entropy" | "gradientNorm",
): number[] {
  const values = results.map((result) => result[field]);
  return logTicks(min(values) / 2, 2 * max(values));
}

function measureMethod(method: string, results: readonly TrialResult[]): Measurement[] {
  const own = results.filter((result) => result.method === method);
  if (own.length === 0) return [];
  return [{
    quantity:
      `${method}: accuracy (%) and entropy (nats/token), last fifth of training; gradient norm, first third; misconceptions found, from the rarest decade (%)`,
    measured: own.map(({ label, accuracy, entropy, gradientNorm, found }) =>
      [
        `${label}: ${accuracy.toFixed(1)}, ${entropy.toFixed(4)}`,
        gradientNorm.toFixed(2),
        ...(found.length === 0 ? [] : [found.map((share) => share.toFixed(0)).join(", ")]),
      ].join("; ")
    ).join(". "),
  }];
}
