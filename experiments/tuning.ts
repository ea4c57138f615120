/**
 * How strong each intervention is in the study: as many strengths of each were tried, once, on a seed that no figure uses,
 * and the one is taken that ended most accurate. The whole sweep is shown.
 */
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { COLOURS, SHAPES } from "../analysis/figures/theme.ts";
import { GRPO, logsWith } from "./arms.ts";
import { ACCURACY, ENTROPY, plateau } from "./courses.ts";
import { LAB_ACCURACY, labFigure } from "./lab_figure.ts";
import { readStudyLogs, type RunSettings, type StudyLogs } from "./study_log.ts";

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
}

/** What each strength that has a log ended at, in the order of {@linkcode RUNS}. */
export function trialResults({ logs }: StudyLogs): TrialResult[] {
  return [NONE, ...TRIALS].flatMap(({ method, levels }) =>
    levels.flatMap(({ label, settings }) =>
      logsWith(logs, MODEL, settings).map((log) => ({
        method,
        label,
        settings,
        entropy: plateau(log, ENTROPY),
        accuracy: plateau(log, ACCURACY),
      }))
    )
  );
}

/** The sweep, from the lab's logs. */
export async function drawTuning(): Promise<Figure[]> {
  return tuning(await readStudyLogs(RUNS));
}

/** The same, of given logs. */
export function tuning(study: StudyLogs): Figure[] {
  const results = trialResults(study);
  if (results.length === 0) return [];
  const methods = [NONE, ...TRIALS].map(({ method }) => method);
  const series = { field: "method", type: "nominal" as const, legend: { title: null, columns: 3 } };
  return [labFigure(study, {
    id: "tuning_lab",
    title: "The strengths of the interventions",
    caption:
      `Where each strength that was tried ends, the counterpart of Qwen2.5-7B on math: means over the last fifth of training. Of each intervention the most accurate one is used in the figures. A difference of a point or two may be the seed. ${LAB_ACCURACY}`,
    spec: {
      height: 260,
      data: { values: results },
      encoding: {
        x: {
          field: "entropy",
          type: "quantitative",
          title: "Policy entropy (nats per token, log scale)",
          scale: { type: "log", nice: false, padding: 24 },
          axis: { format: "~g" },
        },
        y: {
          field: "accuracy",
          type: "quantitative",
          title: "Test accuracy (%)",
          scale: { zero: false, padding: 12 },
        },
        color: { ...series, scale: { domain: methods, range: ["#000000", ...COLOURS] } },
      },
      layer: [
        {
          mark: { type: "point" },
          encoding: { shape: { ...series, scale: { domain: methods, range: [...SHAPES] } } },
        },
        {
          mark: { type: "text", dy: -9, fontSize: 9 },
          encoding: { text: { field: "label", type: "nominal" } },
        },
      ],
    },
    measurements: methods.flatMap((method) => measureMethod(method, results)),
  })];
}

function measureMethod(method: string, results: readonly TrialResult[]): Measurement[] {
  const own = results.filter((result) => result.method === method);
  if (own.length === 0) return [];
  return [{
    quantity: `${method}: accuracy (%) and entropy (nats/token), last fifth of training`,
    measured: own.map(({ label, accuracy, entropy }) =>
      `${label}: ${accuracy.toFixed(1)} and ${entropy.toFixed(4)}`
    ).join("; "),
  }];
}
