import { STEPS_PER_SEED } from "./bounds.ts";
import { mean } from "./mean.ts";
import type { Policy } from "./policy/parameters.ts";
import { rollout } from "./policy/rollout.ts";
import { mostResponses } from "./policy/room.ts";
import { verifyTokens } from "./tasks/response.ts";
import type { Task } from "./tasks/task.ts";
import { expectVocabulary } from "./vocabulary_fits.ts";

/**
 * The key of an accuracy, in verl's way of naming: `val-core/<temperature>/<benchmark>/acc/mean@k` is the mean
 * over problems and k responses, `…/acc/best@k/mean` the share of problems that at least one of them solves
 * (pass@k; verl's is a bootstrap of the same). The temperature is `greedy`, `t0.6` or `t1`. What the paper's
 * protocol would have measured is `val-core`, the rest `val-aux`.
 */
export type ValidationKey = `val-${"core" | "aux"}/${string}/acc/${
  | `mean@${number}`
  | `best@${number}/mean`}`;

/** How a policy is validated. */
export interface ValidationOptions {
  /** The seed of the run. */
  readonly seed: number;
  /** The step before whose update the policy is validated. */
  readonly step: number;
  /** k, the responses to a problem where they are sampled. */
  readonly samples: number;
  /** Measure every benchmark at every temperature, and not by the paper's protocol alone. */
  readonly all: boolean;
}

/** The benchmarks that the paper validates by the mean of samples; all others it validates greedily. */
const SAMPLED: ReadonlySet<string> = new Set(["aime24", "amc"]);
/** The temperature of those samples. */
const SAMPLED_TEMPERATURE = 0.6;
/** The temperature that the policy is trained at. */
const TRAINING_TEMPERATURE = 1;

/** Where the streams of random numbers of validations begin; training takes those from 1 up. */
const VALIDATION_STREAMS = 2 ** 31;
/** Streams of one validation. */
const STREAMS_PER_STEP = 2 ** 31 / STEPS_PER_SEED;
/** Responses that are written at once, where the adapter has room: more would save no time. */
const LARGEST_ROLLOUT = 2560;

/**
 * Accuracies of a policy on a task's benchmarks: by the paper's protocol (greedy, but for AIME and AMC, which are
 * the mean of samples at temperature 0.6), and where `all` says so of every benchmark greedily, at temperature
 * 0.6 and at temperature 1.
 *
 * @throws {LabError} if the policy's vocabulary is not the task's, or logits hold NaN or Inf.
 */
export async function validate(
  policy: Policy,
  task: Task,
  { seed, step, samples, all }: ValidationOptions,
): Promise<Partial<Record<ValidationKey, number>>> {
  expectVocabulary("the policy", policy.config, task);
  const { maxPromptTokens, maxResponseTokens } = task;
  const room = mostResponses(policy.gpu, policy.config, maxPromptTokens, maxResponseTokens);
  const atOnce = Math.max(1, Math.min(LARGEST_ROLLOUT, room));
  const names = Object.keys(task.benchmarks);
  const passes = all
    ? [0, SAMPLED_TEMPERATURE, TRAINING_TEMPERATURE].map((temperature) => ({ temperature, names }))
    : [0, SAMPLED_TEMPERATURE].map((temperature) => ({
      temperature,
      names: names.filter((name) => protocolOf(name) === temperature),
    }));
  const data: Partial<Record<ValidationKey, number>> = {};
  let stream = VALIDATION_STREAMS + step * STREAMS_PER_STEP;
  for (const { temperature, names } of passes) {
    const k = temperature === 0 ? 1 : samples;
    const problems = names.flatMap((name) => task.benchmarks[name]!);
    const right = problems.map(() => 0);
    const rows = Array.from({ length: k }, () => [...problems.keys()]).flat();
    for (let first = 0; first < rows.length; first += atOnce) {
      const own = rows.slice(first, first + atOnce);
      const responses = await rollout(
        policy,
        own.map((i) => task.tokenizer.encode(problems[i]!.prompt)),
        {
          maxTokens: task.maxResponseTokens,
          temperature,
          seed,
          stream: stream++,
          end: task.tokenizer.end,
          pad: task.tokenizer.pad,
        },
      );
      for (const [row, { tokens }] of responses.entries()) {
        const i = own[row]!;
        right[i]! += Number(verifyTokens(task, problems[i]!, tokens).correct);
      }
    }
    let first = 0;
    for (const name of names) {
      const own = right.slice(first, first += task.benchmarks[name]!.length);
      const kind = protocolOf(name) === temperature ? "core" : "aux";
      const at = `${temperature === 0 ? "greedy" : `t${temperature}`}/${name}` as const;
      data[`val-${kind}/${at}/acc/mean@${k}`] = mean(own.map((count) => count / k));
      if (k === 1) continue;
      data[`val-${kind}/${at}/acc/best@${k}/mean`] = mean(own.map((count) => Number(count > 0)));
    }
  }
  return data;
}

/** The temperature at which the paper validates on a benchmark. */
function protocolOf(benchmark: string): number {
  return SAMPLED.has(benchmark) ? SAMPLED_TEMPERATURE : 0;
}
