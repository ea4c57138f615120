import { createPolicy, type Policy } from "../../experiments/lab/policy/parameters.ts";
import { predictionBatch } from "../../experiments/lab/policy/sequences.ts";
import { predict, type Prediction, update } from "../../experiments/lab/policy/update.ts";
import type { Gpu } from "../../kernels/runtime/gpu.ts";
import type { Recorder } from "../../kernels/runtime/recorder.ts";
import { clock, type Library } from "../library.ts";
import { OPTIMIZER, type TrainingWork } from "./training_problem.ts";

/** The lab's own updates, on its kernels. */
export function labLibrary(gpu: Gpu): Library<TrainingWork> {
  return {
    adapter: gpu.adapter.name,
    destroy: () => gpu.destroy(),
    prepare({ work: { config, parameters, sequences, gradLogProb: gradient } }) {
      const batch = predictionBatch(gpu, config, sequences);
      const gradLogProb = gpu.tensor(gradient, batch.mask.shape);
      const norm = gpu.empty([2]);
      const record = (recorder: Recorder, policy: Policy, step: number): Prediction => {
        const prediction = predict(recorder, policy, batch);
        const settings = { ...OPTIMIZER, maxGradientNorm: Infinity };
        const gradients = { gradLogProb };
        update(recorder, policy, { batch, prediction, gradients, settings, step, norm });
        return prediction;
      };
      const trained = createPolicy(gpu, config, parameters);
      let step = 0;
      return {
        async time(calls) {
          const byClock = await clock(calls, async (calls) => {
            for (let call = 0; call < calls; call++) {
              const recorder = gpu.record("update");
              record(recorder, trained, ++step).statistics[Symbol.dispose]();
              recorder.submit();
            }
            await gpu.read(norm);
          });
          return { clock: byClock, gpu: undefined };
        },
        async results() {
          using policy = createPolicy(gpu, config, parameters);
          const recorder = gpu.record("update");
          const prediction = record(recorder, policy, 1);
          using _statistics = prediction.statistics;
          const [logProb, ...updated] = await recorder.read(
            prediction.logProb,
            ...policy.parameters.map(({ firstMoment }) => firstMoment),
            ...policy.parameters.map(({ value }) => value),
          );
          const loss = gradient.reduce((sum, weight, i) => sum + weight * logProb![i]!, 0);
          return [[loss], ...updated];
        },
        destroy() {
          for (const held of [batch, gradLogProb, norm, trained]) held[Symbol.dispose]();
        },
      };
    },
  };
}
