import { z } from "zod";
import { AGGREGATIONS, DEFINITIONS, KL_ESTIMATORS } from "../../kernels/mod.ts";
import { ALGORITHMS } from "./advantages/advantages_by_name.ts";
import { expectWithinBounds } from "./bounds.ts";
import { LabError } from "./errors.ts";
import { BASE_MODEL_NAMES } from "./families.ts";
import { describeIssue } from "./schema.ts";
import { TASK_NAMES } from "./tasks/task_by_name.ts";
import { MIXTURES } from "./tasks/task.ts";

/** What a run can do against the collapse of entropy: the interventions of the paper, and none. */
export const RUN_INTERVENTIONS = [
  "none",
  "entropy-bonus",
  "reference-kl",
  "clip-higher",
  "clip-cov",
  "kl-cov",
] as const;

/** ε of GRPO as the paper runs it, on both sides. */
export const PPO_CLIP = 0.2;

/** Among which tokens Clip-Cov and KL-Cov select: a minibatch's, or the whole rollout's. */
export const SELECTIONS = ["minibatch", "batch"] as const;

const count = z.int().min(1);
const share = z.number().min(0).max(1);
const positive = z.number().positive();
/** A bound that a method may do without. */
const bound = positive.nullable().optional();

/** Every setting of a run, with its default: those of the paper, scaled where batches are smaller. */
const SCHEMA = z.strictObject({
  model: z.enum(BASE_MODEL_NAMES).default("qwen2.5-7b")
    .describe("base model, by the name of the paper's model that it stands for"),
  instruct: z.boolean().default(false).describe("start from the instruct variant"),
  task: z.enum(TASK_NAMES).default("math").describe("what the policy is trained on"),
  mixture: z.enum(MIXTURES).default("standard")
    .describe("which training problems"),
  algorithm: z.enum(ALGORITHMS).default("grpo").describe("how advantages are made of rewards"),
  intervention: z.enum(RUN_INTERVENTIONS).default("none").describe(
    "what is done against the collapse",
  ),
  definition: z.enum(DEFINITIONS).default("verl")
    .describe("which definition of Clip-Cov and KL-Cov"),
  selection: z.enum(SELECTIONS).optional()
    .describe("whose tokens these select among; batch with the definition paper"),
  seed: z.int().min(0).max(2 ** 32 - 1).default(1).describe("of problems, sampling and selection"),
  steps: count.default(360).describe("rollouts"),
  prompts: count.default(64).describe("problems of a rollout"),
  group: z.int().min(2).default(8).describe("responses to a problem"),
  minibatches: count.default(8).describe("updates of a rollout; 1 is on-policy"),
  temperature: positive.default(1).describe("of sampling"),
  learningRate: positive.default(2e-4).describe("of AdamW, constant after the warm-up"),
  warmupSteps: z.int().min(0).default(5).describe("rollouts over which the learning rate rises"),
  weightDecay: z.number().min(0).default(0.01).describe("of AdamW"),
  maxGradientNorm: positive.default(1).describe("the gradient is clipped to this norm"),
  clipLow: bound.describe(
    "PPO's ε below 1; 1 with clip-cov as in verl, null (no clip) with kl-cov and as in the paper",
  ),
  clipHigh: bound.describe(
    "PPO's ε above 1; 0.28 with clip-higher, 1 with clip-cov as in verl, null with kl-cov",
  ),
  dualClip: z.number().gt(1).nullable().optional().describe(
    "c of the dual clip; null (none) with clip-cov and kl-cov",
  ),
  clipCovRatio: share.default(0.02).describe("r of Clip-Cov: share of tokens"),
  covarianceLow: z.number().default(1).describe("Clip-Cov: least covariance"),
  covarianceHigh: z.number().default(5).describe("Clip-Cov: largest covariance"),
  klCovRatio: share.default(0.1).describe("k of KL-Cov: share of tokens"),
  klCoefficient: z.number().min(0).default(1).describe("β of KL-Cov"),
  entropyCoefficient: z.number().min(0).default(0.001).describe("weight of the entropy bonus"),
  referenceCoefficient: z.number().min(0).default(0.001).describe("weight of the reference KL"),
  rewardLearningRate: positive.default(1e-4).describe("of PRIME's implicit reward model"),
  referenceKl: z.enum(KL_ESTIMATORS).default("k3").describe("how the reference KL is estimated"),
  aggregation: z.enum(AGGREGATIONS).default("token-mean")
    .describe("how token losses become one"),
  filterGroups: z.boolean().default(true).describe("leave out groups all right or all wrong"),
  validateEvery: count.default(6).describe("rollouts between validations by the paper's protocol"),
  validateAllEvery: z.int().min(0).default(30)
    .describe("rollouts between validations greedily, at temperature 0.6 and at 1; 0 for none"),
  referenceKlEvery: z.int().min(0).optional().describe(
    "rollouts between steps that log the KL to the base model; validateEvery unless set, 0 for none; reference-kl logs it in all",
  ),
  validationSamples: count.max(512).default(2)
    .describe("k of validations that sample: mean@k and best@k of a benchmark"),
  checkpointEvery: count.default(20).describe("rollouts between checkpoints"),
});

type Given = z.infer<typeof SCHEMA>;

/** The settings whose defaults follow others: most of them the intervention, as its authors ran it. */
interface DependentSettings {
  /** PPO's ε below 1; null for no clip. */
  readonly clipLow: number | null;
  /** PPO's ε above 1; null for no clip. */
  readonly clipHigh: number | null;
  /** c of the dual clip; null for none. */
  readonly dualClip: number | null;
  /** Clip-Cov and KL-Cov select among the tokens of a minibatch, or of the whole rollout. */
  readonly selection: typeof SELECTIONS[number];
  /** Rollouts between steps that log the KL to the base model; 0 for none. */
  readonly referenceKlEvery: number;
}

/** Every setting of a run. */
export type TrainSettings = Readonly<Omit<Given, keyof DependentSettings> & DependentSettings>;

/**
 * The defaults that follow others. The authors ran GRPO with ε = 0.2 and a dual clip of 10, Clip-Cov with
 * ε = 1 on both sides and KL-Cov without a clip (their scripts and losses), and selected within micro-batches;
 * the paper's equations have no clip in Clip-Cov either, and select in the whole batch.
 */
function dependentSettings({ intervention, definition, validateEvery }: Given): DependentSettings {
  const common = {
    selection: definition === "paper" ? "batch" : "minibatch",
    referenceKlEvery: validateEvery,
  } as const;
  if (intervention === "kl-cov" || (intervention === "clip-cov" && definition === "paper")) {
    return { clipLow: null, clipHigh: null, dualClip: null, ...common };
  }
  if (intervention === "clip-cov") return { clipLow: 1, clipHigh: 1, dualClip: null, ...common };
  const clipHigh = intervention === "clip-higher" ? 0.28 : PPO_CLIP;
  return { clipLow: PPO_CLIP, clipHigh, dualClip: 10, ...common };
}

/** A setting as `--help` shows it. */
export interface SettingDescription {
  /** Its name. */
  readonly name: string;
  /** What it is unless set otherwise. */
  readonly value: unknown;
  /** What it means. */
  readonly meaning: string;
  /** The values that it can have, where they are few. */
  readonly choices: readonly string[];
}

/** All settings with their defaults, for `--help`. */
export function describeSettings(): SettingDescription[] {
  const defaults: Record<string, unknown> = { ...trainSettings({}) };
  return Object.entries(SCHEMA.shape).map(([name, schema]) => ({
    name,
    value: defaults[name],
    meaning: schema.description ?? "",
    choices: choicesOf(schema.unwrap()),
  }));
}

function choicesOf(schema: z.ZodType): readonly string[] {
  return schema instanceof z.ZodEnum ? schema.options.map(String) : [];
}

/**
 * Checks settings, and fills in those that are missing.
 *
 * @throws {LabError} naming the first setting that is wrong, its value and what was expected.
 */
export function trainSettings(given: Readonly<Record<string, unknown>>): TrainSettings {
  const result = SCHEMA.safeParse(given);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    if (issue.code === "unrecognized_keys") {
      throw new LabError(
        `there is no setting ${JSON.stringify(issue.keys[0])}, expected one of ${
          Object.keys(SCHEMA.shape).join(", ")
        }.`,
      );
    }
    throw new LabError(`${describeIssue(issue, given)}.`);
  }
  // What is not given is not a key of what was parsed.
  const chosen = { ...dependentSettings(result.data), ...result.data } as TrainSettings;
  // In the order of the schema, as the log shows them.
  const settings = Object.fromEntries(
    Object.keys(SCHEMA.shape).map((name) => [name, chosen[name as keyof TrainSettings]]),
  ) as unknown as TrainSettings;
  if ((settings.prompts * settings.group) % settings.minibatches !== 0) {
    throw new LabError(
      `minibatches is ${settings.minibatches}, expected a divisor of ${settings.prompts} prompts × ${settings.group} responses.`,
    );
  }
  expectWithinBounds(settings);
  return settings;
}

/**
 * Reads `key=value` as the command line gives it.
 *
 * @throws {LabError} if it is not of that form.
 */
export function parseSetting(text: string): [name: string, value: unknown] {
  const at = text.indexOf("=");
  if (at < 1) throw new LabError(`--set ${text} is no setting, expected key=value.`);
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}

/** What a base model is called: `qwen2.5-7b`, or `qwen2.5-7b-instruct`. */
export function baseModelName(model: string, instruct: boolean): string {
  return instruct ? `${model}-instruct` : model;
}

/** What a run is called: `qwen2.5-7b.math.grpo.kl-cov.seed1`, and whatever else it differs in is in its log. */
export function runId(
  { model, instruct, task, mixture, algorithm, intervention, seed }: TrainSettings,
): string {
  return [
    baseModelName(model, instruct),
    mixture === "standard" ? task : `${task}-${mixture}`,
    algorithm,
    intervention,
    `seed${seed}`,
  ].join(".");
}
