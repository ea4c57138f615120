import { emptyTokenCovariance, tokenCovariance } from "../kernels/covariance/token_covariance.ts";
import { emptyPolicyLoss, policyLoss, readMetrics } from "../kernels/policy_loss/policy_loss.ts";
import { PLAIN_PPO } from "../kernels/policy_loss/policy_loss_settings.ts";
import type { Gpu } from "../kernels/runtime/gpu.ts";
import { grid } from "../kernels/runtime/grid.ts";
import type { Recorder } from "../kernels/runtime/recorder.ts";
import type { Tensor } from "../kernels/runtime/tensor.ts";
import { emptySelection, selectTop } from "../kernels/selection/selection.ts";
import { emptyTokenStatistics, tokenStatistics } from "../kernels/softmax/token_statistics.ts";
import { tokenStatisticsBackward } from "../kernels/softmax/token_statistics_backward.ts";
import { matmul } from "../kernels/transformer/matmul.ts";
import copyCode from "./copy.wgsl" with { type: "text" };
import { clock, type Job, type Library, sortedValues, type Times } from "./library.ts";
import type { LogitsInput, MatricesInput, Problem, TokensInput } from "./bench_problem.ts";

/** What a job of the kernels is made of. */
interface Parts {
  /** Records one call. */
  readonly record: (recorder: Recorder) => void;
  /** The tensors that hold its results. */
  readonly outputs: readonly Tensor[];
  /** Brings what was read into the form that all libraries share. */
  readonly shape?: (values: readonly ArrayLike<number>[]) => ArrayLike<number>[];
  /** What to free. */
  readonly held: readonly Disposable[];
}

/** The kernels of this project. */
export function kernels(gpu: Gpu): Library {
  return {
    adapter: gpu.adapter.name,
    prepare: (problem) => job(gpu, parts(gpu, problem)),
    destroy: () => gpu.destroy(),
  };
}

function job(gpu: Gpu, { record, outputs, shape, held }: Parts): Job {
  // A submission is waited for by reading something that it may have written.
  const marker = gpu.zeros([1]);
  return {
    async time(calls): Promise<Times> {
      const profile = gpu.startProfile();
      const byClock = await clock(calls, async (calls) => {
        const recorder = gpu.record("bench");
        recorder.scope(calls === 0 ? "round trip" : "calls", () => {
          for (let call = 0; call < calls; call++) record(recorder);
        });
        await recorder.read(marker);
      });
      const times = await profile?.take();
      return { clock: byClock, gpu: times?.get("calls") };
    },
    async results() {
      const recorder = gpu.record("check");
      record(recorder);
      const values = await recorder.read(...outputs);
      return shape === undefined ? values : shape(values);
    },
    destroy() {
      marker.destroy();
      for (const each of held) each[Symbol.dispose]();
    },
  };
}

function parts(gpu: Gpu, { work }: Problem): Parts {
  switch (work.kind) {
    case "copy":
      return work.by === "command"
        ? copyByCommand(gpu, work.elements)
        : copyByShader(gpu, work.elements);
    case "token-statistics":
      return forward(gpu, work.input);
    case "token-statistics-backward":
      return backward(gpu, work.input);
    case "matmul":
      return product(gpu, work.input);
    case "selection":
      return selection(gpu, work.input, work.count);
    case "covariance":
      return covariance(gpu, work.input);
    case "policy-loss":
      return loss(gpu, work.input);
  }
}

function copyByCommand(gpu: Gpu, elements: number): Parts {
  const [source, target] = [gpu.zeros([elements]), gpu.zeros([elements])];
  return {
    record: (recorder) => recorder.copy(source, target),
    outputs: [target],
    held: [source, target],
  };
}

function copyByShader(gpu: Gpu, elements: number): Parts {
  const [source, target] = [gpu.zeros([elements]), gpu.zeros([elements])];
  const { lanes, perLane } = gpu.tiles.elements;
  const program = gpu.program({
    name: "copy",
    code: copyCode,
    constants: { LANES: lanes, PER_LANE: perLane },
  });
  const count = elements / 4;
  return {
    record: (recorder) =>
      recorder.dispatch(program, {
        bindings: { source, destination: target },
        params: { count },
        workgroups: grid(count, lanes * perLane),
      }),
    outputs: [target],
    held: [source, target],
  };
}

function forward(gpu: Gpu, { rows, columns, logits, targets }: LogitsInput): Parts {
  const tensors = { logits: gpu.tensor(logits, [rows, columns]), targets: gpu.tensor(targets) };
  const out = emptyTokenStatistics(gpu, rows);
  return {
    record: (recorder) => tokenStatistics(recorder, { ...tensors, out }),
    outputs: [out.logProb, out.entropy],
    held: [...Object.values(tensors), out],
  };
}

function backward(gpu: Gpu, input: LogitsInput): Parts {
  const { rows, columns } = input;
  const logits = gpu.tensor(input.logits, [rows, columns]);
  const targets = gpu.tensor(input.targets);
  const gradLogProb = gpu.tensor(input.gradLogProb);
  const gradEntropy = gpu.tensor(input.gradEntropy);
  const out = gpu.empty([rows, columns]);
  const statistics = emptyTokenStatistics(gpu, rows);
  return {
    record: (recorder) => {
      tokenStatistics(recorder, { logits, targets, out: statistics });
      tokenStatisticsBackward(recorder, {
        logits,
        targets,
        statistics,
        gradLogProb,
        gradEntropy,
        out,
      });
    },
    outputs: [out],
    held: [logits, targets, gradLogProb, gradEntropy, out, statistics],
  };
}

function product(gpu: Gpu, { size, a, b }: MatricesInput): Parts {
  const options = {
    a: gpu.tensor(a, [size, size]),
    b: gpu.tensor(b, [size, size]),
    out: gpu.empty([size, size]),
  };
  return {
    record: (recorder) => matmul(recorder, options),
    outputs: [options.out],
    held: Object.values(options),
  };
}

function selection(gpu: Gpu, input: TokensInput, count: number): Parts {
  const tensors = {
    covariance: gpu.tensor(input.covariance),
    mask: gpu.tensor(input.mask),
  };
  const out = emptySelection(gpu, input.covariance.length);
  return {
    record: (recorder) => selectTop(recorder, { ...tensors, share: 0, atLeast: count, out }),
    outputs: [out.selected],
    shape: ([marks]) => [sortedValues(input.covariance, marked(marks!))],
    held: [...Object.values(tensors), out],
  };
}

function* marked(marks: ArrayLike<number>): Generator<number> {
  for (let i = 0; i < marks.length; i++) if (marks[i] === 1) yield i;
}

function covariance(gpu: Gpu, { logProb, advantages, mask }: TokensInput): Parts {
  const tensors = {
    logProb: gpu.tensor(logProb),
    advantages: gpu.tensor(advantages),
    mask: gpu.tensor(mask),
  };
  const out = emptyTokenCovariance(gpu, logProb.length);
  return {
    record: (recorder) => tokenCovariance(recorder, { ...tensors, out }),
    outputs: [out.covariance, out.mean],
    held: [...Object.values(tensors), out],
  };
}

function loss(gpu: Gpu, input: TokensInput): Parts {
  const { rows, columns } = input;
  const tensors = {
    logProb: gpu.tensor(input.logProb, [rows, columns]),
    oldLogProb: gpu.tensor(input.oldLogProb, [rows, columns]),
    advantages: gpu.tensor(input.advantages, [rows, columns]),
    mask: gpu.tensor(input.mask, [rows, columns]),
  };
  const out = emptyPolicyLoss(gpu, rows, columns);
  return {
    record: (recorder) => policyLoss(recorder, { ...tensors, settings: PLAIN_PPO, out }),
    outputs: [out.metrics, out.gradLogProb],
    shape: ([metrics, gradient]) => [[readMetrics(metrics!).loss], gradient!],
    held: [...Object.values(tensors), out],
  };
}
