/** What a policy makes of misconceptions, against its own probabilities in float64. */
import assert from "node:assert/strict";
import { modelConfig } from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import { askMisconceptions } from "../../../experiments/lab/misconceptions.ts";
import { createPolicy } from "../../../experiments/lab/policy/parameters.ts";
import { predictionReference } from "../../../experiments/lab/policy/prediction_reference.ts";
import { TASK_NAMES, taskByName } from "../../../experiments/lab/tasks/task_by_name.ts";
import { requestGpu } from "../../../kernels/mod.ts";

const config = modelConfig("qwen2.5-0.5b");
const parameters = initialParameters(config, 3);

for (const name of TASK_NAMES) {
  Deno.test(`${name}: the chance of either right response, mean over the problems, by the teacher's chance`, async () => {
    using gpu = await requestGpu();
    using policy = createPolicy(gpu, config, parameters);
    const task = taskByName(name);
    const data = await askMisconceptions(policy, task);
    const misconceptions = task.misconceptions();
    // No two share a key.
    assert.equal(Object.keys(data).length, misconceptions.length);
    const { encode } = task.tokenizer;
    for (const { chance, problems } of [misconceptions[0]!, misconceptions.at(-1)!]) {
      const chances = problems.map((problem) =>
        [task.clean(problem), task.direct(problem)].reduce((sum, response) => {
          const sequence = { prompt: encode(problem.prompt), response: encode(response) };
          const { logProb } = predictionReference(config, parameters, sequence, 1);
          return sum + Math.exp(logProb.reduce((all, value) => all + value, 0));
        }, 0)
      );
      const expected = Math.log(chances.reduce((sum, value) => sum + value, 0) / chances.length);
      const key = `misconceptions/log_probability/${Number(chance.toPrecision(6))}` as const;
      assert(Math.abs(data[key]! - expected) < 1e-4, `${data[key]}, expected ${expected}`);
    }
  });
}
