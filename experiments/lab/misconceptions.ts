import { mean } from "./mean.ts";
import type { Policy } from "./policy/parameters.ts";
import { longestResponse, type Sequence } from "./policy/sequences.ts";
import { recordReferenceLogProb } from "./reference_log_prob.ts";
import type { Task } from "./tasks/task.ts";

/** What a policy makes of something that the teacher mostly gets wrong. */
export interface KnownMisconception {
  /** The chance that the teacher gets it right. */
  readonly chance: number;
  /** The chance that the policy does, at temperature 1: mean over the problems that need it. */
  readonly probability: number;
}

/** The least chances of the groups that a log has misconceptions in: halves of decades. */
export const MISCONCEPTION_GROUPS: readonly number[] = [0.0003, 0.001, 0.003, 0.01, 0.03];

/**
 * The key of what a policy makes of the misconceptions that the teacher gets right with a chance from that number up
 * to the next group's: `found` is the share of them that the policy gets right more often than not,
 * `log_probability` the mean of the natural logarithm of its chance.
 */
export type MisconceptionKey = `misconceptions/${"found" | "log_probability"}/${number}`;

/**
 * How likely a policy is to write one of the two right responses that the teacher would, the answer alone or all
 * steps, to the problems of each misconception: from log-probs, so that rare ones need no luck. In math there are no
 * other right ones.
 */
export async function askMisconceptions(
  policy: Policy,
  task: Task,
): Promise<KnownMisconception[]> {
  const misconceptions = task.misconceptions();
  if (misconceptions.length === 0) return [];
  const { encode } = task.tokenizer;
  const sequences = misconceptions.flatMap(({ problems }) =>
    problems.flatMap((problem) =>
      [task.clean(problem), task.direct(problem)].map((response): Sequence => ({
        prompt: encode(problem.prompt),
        response: encode(response),
      }))
    )
  );
  const columns = longestResponse(sequences);
  using logProb = recordReferenceLogProb(policy, sequences, columns, 1);
  const values = await policy.gpu.read(logProb);
  const chanceOf = (sequence: number) =>
    Math.exp(
      values.subarray(sequence * columns, (sequence + 1) * columns).reduce((sum, x) => sum + x, 0),
    );
  let next = 0;
  return misconceptions.map(({ chance, problems }) => ({
    chance,
    probability: mean(problems.map(() => chanceOf(next++) + chanceOf(next++))),
  }));
}

/** The same by group, for the log. */
export function misconceptionData(
  known: readonly KnownMisconception[],
): Partial<Record<MisconceptionKey, number>> {
  return Object.fromEntries(MISCONCEPTION_GROUPS.flatMap((least, i) => {
    const below = MISCONCEPTION_GROUPS[i + 1] ?? Infinity;
    const own = known.filter(({ chance }) => least <= chance && chance < below);
    if (own.length === 0) return [];
    return [
      [`misconceptions/found/${least}`, mean(own.map((one) => Number(one.probability > 0.5)))],
      [
        `misconceptions/log_probability/${least}`,
        mean(own.map((one) => Math.log(one.probability))),
      ],
    ];
  }));
}
