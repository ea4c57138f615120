import { z } from "zod";
import { LabError } from "./errors.ts";
import { BASE_MODEL_NAMES } from "./families.ts";
import { describeIssue } from "./schema.ts";

/** The algorithms of the paper. */
export const ALGORITHMS = ["grpo", "rloo", "reinforce++", "prime"] as const;

/** The interventions of the paper, and none. */
export const INTERVENTIONS = [
  "none",
  "entropy-bonus",
  "reference-kl",
  "clip-higher",
  "clip-cov",
  "kl-cov",
] as const;

const count = z.int().min(1);
const share = z.number().min(0).max(1);
const positive = z.number().positive();

/** Every setting of a run, with its default: those of the paper, scaled where batches are smaller. */
const SCHEMA = z.strictObject({
  model: z.enum(BASE_MODEL_NAMES).default("qwen2.5-7b")
    .describe("base model, by the name of the paper's model that it stands for"),
  instruct: z.boolean().default(false).describe("start from the instruct variant"),
  task: z.enum(["math", "code"]).default("math").describe("what the policy is trained on"),
  mixture: z.enum(["standard", "easy", "hard", "narrow"]).default("standard")
    .describe("which training problems"),
  algorithm: z.enum(ALGORITHMS).default("grpo").describe("how advantages are made of rewards"),
  intervention: z.enum(INTERVENTIONS).default("none").describe("what is done against the collapse"),
  definition: z.enum(["paper", "verl"]).default("verl")
    .describe("which definition of Clip-Cov and KL-Cov"),
  seed: z.int().min(0).max(2 ** 32 - 1).default(1).describe("of problems, sampling and selection"),
  steps: count.default(300).describe("rollouts"),
  prompts: count.default(64).describe("problems of a rollout"),
  group: z.int().min(2).default(8).describe("responses to a problem"),
  minibatches: count.default(8).describe("updates of a rollout; 1 is on-policy"),
  temperature: positive.default(1).describe("of sampling"),
  learningRate: positive.default(2e-4).describe("of AdamW, constant after the warm-up"),
  warmupSteps: z.int().min(0).default(5).describe("rollouts over which the learning rate rises"),
  weightDecay: z.number().min(0).default(0.01).describe("of AdamW"),
  maxGradientNorm: positive.default(1).describe("the gradient is clipped to this norm"),
  clipLow: positive.default(0.2).describe("PPO's ε below 1"),
  clipHigh: positive.default(0.2).describe("PPO's ε above 1"),
  clipHigher: positive.default(0.28).describe("PPO's ε above 1 with clip-higher"),
  clipCovRatio: share.default(0.02).describe("r of Clip-Cov: share of tokens"),
  covarianceLow: z.number().default(1).describe("Clip-Cov: least covariance"),
  covarianceHigh: z.number().default(5).describe("Clip-Cov: largest covariance"),
  klCovRatio: share.default(0.1).describe("k of KL-Cov: share of tokens"),
  klCoefficient: z.number().min(0).default(1).describe("β of KL-Cov"),
  entropyCoefficient: z.number().min(0).default(0.001).describe("weight of the entropy bonus"),
  referenceCoefficient: z.number().min(0).default(0.001).describe("weight of the reference KL"),
  rewardLearningRate: positive.default(1e-4).describe("of PRIME's implicit reward model"),
  referenceKl: z.enum(["k1", "k2", "k3", "abs"]).default("k3").describe("how it is estimated"),
  aggregation: z.enum([
    "token-mean",
    "seq-mean-token-sum",
    "seq-mean-token-mean",
    "seq-mean-token-sum-norm",
  ]).default("token-mean").describe("how token losses become one"),
  filterGroups: z.boolean().default(true).describe("leave out groups all right or all wrong"),
  validateEvery: count.default(4).describe("rollouts between validations"),
  checkpointEvery: count.default(20).describe("rollouts between checkpoints"),
});

/** Every setting of a run. */
export type TrainSettings = Readonly<z.infer<typeof SCHEMA>>;

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
  const defaults: Record<string, unknown> = SCHEMA.parse({});
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
  const settings = result.data;
  if ((settings.prompts * settings.group) % settings.minibatches !== 0) {
    throw new LabError(
      `minibatches is ${settings.minibatches}, expected a divisor of ${settings.prompts} prompts × ${settings.group} responses.`,
    );
  }
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
