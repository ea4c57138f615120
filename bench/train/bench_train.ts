import { modelConfig } from "../../experiments/lab/families.ts";
import { requestGpu } from "../../kernels/runtime/gpu.ts";
import { kernels } from "../kernel_library.ts";
import type { Library } from "../library.ts";
import { measure, type WithProgress } from "../measure.ts";
import { NO_PEERS, openPeers, type Peer, type Peers } from "../peers.ts";
import { matmulProblem } from "../bench_problem.ts";
import { processor } from "../report.ts";
import { labLibrary } from "./lab_library.ts";
import {
  parameterExponents,
  type StepResult,
  stepResult,
  tokenExponents,
  type TrainReport,
  type UpdateResult,
  updateResult,
} from "./train_report.ts";
import { MORE, PROMPT_TOKENS, SHOWN, type SizedStep, STUDY } from "./sizes.ts";
import { timeSteps } from "./steps.ts";
import { trainingProblem, type TrainingWork } from "./training_problem.ts";

/** The matrix product that rates are compared with. */
const MATMUL = 1024;

/** Times the lab's training, and the same update in its peers where it is asked for. */
export async function benchTrain(
  withPeers: boolean,
  withProgress: WithProgress,
): Promise<TrainReport> {
  const gpu = await requestGpu();
  const peers = withPeers ? await openPeers(gpu.adapter, UPDATE_PEERS) : NO_PEERS;
  try {
    const [product] = await measure([matmulProblem(MATMUL)], kernels(gpu), new Map(), withProgress);
    const matmul = product!.problem.amount / product!.milliseconds * 1000;
    const timed = async (sizes: readonly SizedStep[]): Promise<StepResult[]> => {
      const results = [];
      for (const step of sizes) {
        const { model, size, count } = step;
        const text = `steps of ${model} on ${size.prompts * size.group} responses`;
        const times = await withProgress(
          text,
          () => timeSteps(gpu, modelConfig(model), size, count),
        );
        results.push(stepResult(step, times, matmul));
      }
      return results;
    };
    const steps = await timed([...SHOWN, ...MORE]);
    const study = await timed(STUDY);
    const { model, responses } = steps[0]!;
    return {
      adapter: gpu.adapter.name,
      processor: processor(),
      versions: { deno: Deno.version.deno, ...peers.versions },
      missing: peers.missing,
      matmul,
      steps,
      shown: SHOWN.length,
      study,
      tokens: tokenExponents(steps, model),
      parameters: parameterExponents(steps, responses),
      updates: withPeers ? await besidePeers(labLibrary(gpu), peers, withProgress) : [],
    };
  } finally {
    for (const library of [gpu, ...peers.libraries.values()]) library.destroy();
  }
}

/** Libraries that can make the same update. */
const UPDATE_PEERS: Readonly<Record<string, Peer<TrainingWork>>> = {
  "jax-js": {
    package: "@jax-js/jax",
    open: async () => await (await import("./jax_library.ts")).jaxLibrary(),
  },
  "PyTorch": {
    open: async (adapter) => await (await import("./torch_library.ts")).torchUpdates(adapter),
  },
};

/** The update of one minibatch of each model shown, by the lab and by its peers. */
async function besidePeers(
  lab: Library<TrainingWork>,
  { libraries, reasons }: Peers<TrainingWork>,
  withProgress: WithProgress,
): Promise<UpdateResult[]> {
  const problems = SHOWN.map(({ model, size }) =>
    trainingProblem(model, modelConfig(model), {
      rows: size.prompts * size.group / size.minibatches,
      promptTokens: PROMPT_TOKENS,
      responseTokens: size.responseTokens,
    })
  );
  const measurements = await measure(problems, lab, libraries, withProgress);
  return measurements.map((measurement) => updateResult(measurement, reasons));
}
