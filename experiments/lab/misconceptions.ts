import { expectValidParts } from "./finite.ts";
import { mean } from "./mean.ts";
import type { Policy } from "./policy/parameters.ts";
import { recordResponseStatistics } from "./policy/response_statistics.ts";
import { longestResponse, type Sequence } from "./policy/sequences.ts";
import type { Task } from "./tasks/task.ts";

/**
 * The key of what a policy makes of something that the teacher mostly gets wrong, by the chance that the teacher gets
 * it right: the natural logarithm of the chance that the policy does, at temperature 1.
 */
export type MisconceptionKey = `misconceptions/log_probability/${number}`;

/**
 * How likely a policy is to write one of the two right responses that the teacher would, the answer alone or all
 * steps, to the problems of each misconception (mean over these): from log-probs, so that rare ones need no luck. In
 * math there are no other right ones.
 *
 * @throws {LabError} if logits hold NaN or Inf.
 */
export async function askMisconceptions(
  policy: Policy,
  task: Task,
): Promise<Partial<Record<MisconceptionKey, number>>> {
  const misconceptions = task.misconceptions();
  if (misconceptions.length === 0) return {};
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
  using statistics = recordResponseStatistics(policy, sequences, {
    label: "misconceptions",
    columns,
    temperature: 1,
  });
  const [values, invalid] = await policy.gpu.record("misconceptions")
    .read(statistics.logProb, statistics.invalid);
  expectValidParts("the policy", invalid);
  const chanceOf = (sequence: number) =>
    Math.exp(
      values.subarray(sequence * columns, (sequence + 1) * columns).reduce((sum, x) => sum + x, 0),
    );
  let next = 0;
  return Object.fromEntries(misconceptions.map(({ chance, problems }) => {
    const probability = mean(problems.map(() => chanceOf(next++) + chanceOf(next++)));
    return [
      `misconceptions/log_probability/${Number(chance.toPrecision(6))}`,
      Math.log(probability),
    ];
  }));
}
