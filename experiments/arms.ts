/**
 * The interventions as the study runs them. Their strengths were tuned on a seed that no figure uses, with as many runs
 * for each; this file is the only place that has them.
 */
import { COLOURS } from "../analysis/figures/theme.ts";
import type { BaseModelName } from "./lab/families.ts";
import { trainSettings } from "./lab/train_settings.ts";
import { SEEDS } from "./plain_runs.ts";
import type { RunSettings, StudyLog } from "./study_log.ts";

/** Clip-higher (DAPO). */
export const CLIP_HIGHER = { intervention: "clip-higher", clipHigh: 1 };

/** Clip-Cov (Eqs. 11 and 12). */
export const CLIP_COV = {
  intervention: "clip-cov",
  clipCovRatio: 0.08,
  covarianceLow: 1,
  covarianceHigh: 20,
};

/** KL-Cov (Eqs. 13 and 14). */
export const KL_COV = { intervention: "kl-cov", klCovRatio: 0.02, klCoefficient: 0.1 };

/** Coefficients of the entropy bonus: the paper's (Fig. 9) and the tuned one. */
export const ENTROPY_BONUS = { paper: [0.0001, 0.001, 0.005, 0.01], tuned: 0.03 };

/** Coefficients of the reference KL: the paper's (Fig. 10) and the tuned one. */
export const REFERENCE_KL = { paper: [0.001, 0.01, 0.05, 0.1], tuned: 0.1 };

/** A method that figure 11 and table 2 compare. */
export interface Arm {
  /** What it is called here. */
  readonly label: string;
  /** What it is called in figure 11's data; undefined for the arm that the paper lacks. */
  readonly paper?: string;
  /** Its settings, but for model and seed. */
  readonly settings: RunSettings;
  /** Its colour in every figure. */
  readonly colour: string;
  /** Its shape. */
  readonly shape: string;
}

/** GRPO without intervention. */
export const GRPO: Arm = {
  label: "GRPO",
  paper: "GRPO",
  settings: {},
  colour: "#000000",
  shape: "circle",
};

/**
 * The five arms. The last is GRPO with the clip range that the authors gave Clip-Cov, so that what the range does and
 * what the method does are told apart.
 */
export const ARMS: readonly Arm[] = [
  GRPO,
  {
    label: "Clip-higher",
    paper: "GRPO w. Clip_higher",
    settings: CLIP_HIGHER,
    colour: COLOURS[4]!,
    shape: "square",
  },
  {
    label: "Clip-Cov",
    paper: "GRPO w. Clip_Cov",
    settings: CLIP_COV,
    colour: COLOURS[0]!,
    shape: "triangle-up",
  },
  {
    label: "KL-Cov",
    paper: "GRPO w. KL_Cov",
    settings: KL_COV,
    colour: COLOURS[1]!,
    shape: "diamond",
  },
  {
    label: "GRPO, Clip-Cov's ε",
    settings: { clipLow: 1, clipHigh: 1, dualClip: null },
    colour: COLOURS[3]!,
    shape: "cross",
  },
];

/** The models on which the arms are compared, from small to large, by the paper's names. */
export const ARM_MODELS: readonly { readonly model: BaseModelName; readonly label: string }[] = [
  { model: "qwen2.5-7b", label: "Qwen2.5-7B" },
  { model: "qwen2.5-32b", label: "Qwen2.5-32B" },
];

/** The runs of all arms: two sizes, three seeds. */
export const ARM_RUNS: readonly RunSettings[] = ARM_MODELS.flatMap(({ model }) =>
  SEEDS.flatMap((seed) => ARMS.map(({ settings }) => ({ model, seed, ...settings })))
);

/** The logs of a model's runs that have some settings, whatever their seed. */
export function logsWith(
  logs: readonly StudyLog[],
  model: string,
  settings: RunSettings,
): StudyLog[] {
  const wanted = Object.entries(trainSettings({ model, ...settings }));
  return logs.filter(({ run }) =>
    wanted.every(([name, value]) =>
      name === "seed" || run.settings[name as keyof typeof run.settings] === value
    )
  );
}
