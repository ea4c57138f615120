import * as jax from "@jax-js/jax";
import { nn, numpy } from "@jax-js/jax";
import { clock, type Job, type Library, sortedValues } from "./library.ts";
import type { Problem, Work } from "./bench_problem.ts";

type Values = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** A function of jax-js and its inputs; as all of its functions, it disposes of its arguments. */
interface Parts {
  readonly inputs: readonly jax.Array[];
  readonly call: (...inputs: jax.Array[]) => jax.Array[];
  readonly shape?: (values: ArrayLike<number>[]) => ArrayLike<number>[];
}

/**
 * The WebGPU device of jax-js, which makes its arrays there from now on.
 *
 * @throws {Error} if it finds none.
 */
export async function openJaxDevice(): Promise<GPUDevice> {
  if (!(await jax.init("webgpu")).includes("webgpu")) throw new Error("it finds no WebGPU adapter");
  jax.defaultDevice("webgpu");
  return jax.getWebGPUDevice();
}

/**
 * Opens jax-js on its WebGPU device.
 *
 * @throws {Error} if it finds none.
 */
export async function openJax(): Promise<Library> {
  const device = await openJaxDevice();
  return {
    adapter: device.adapterInfo.description,
    prepare: ({ work }: Problem) => {
      const made = parts(work);
      return made === undefined ? undefined : job(device, made);
    },
    destroy: () => device.destroy(),
  };
}

function job(device: GPUDevice, { inputs, call, shape }: Parts): Job {
  const compiled = jax.jit(call);
  const callOnce = () => compiled(...inputs.map((input) => input.ref)) as jax.Array[];
  return {
    async time(calls) {
      const byClock = await clock(calls, async (calls) => {
        const outputs = Array.from({ length: calls }, callOnce).flat();
        // Calls are lazy: without this they are not even submitted.
        await jax.blockUntilReady(outputs.length === 0 ? inputs[0]! : outputs);
        await device.queue.onSubmittedWorkDone();
        for (const output of outputs) output.dispose();
      });
      return { clock: byClock, gpu: undefined };
    },
    async results() {
      const values = await Promise.all(callOnce().map((output) => output.data()));
      return shape === undefined ? values : shape(values);
    },
    destroy() {
      compiled.dispose();
      for (const input of inputs) input.dispose();
    },
  };
}

function array(values: Values, shape: number[] = [values.length]): jax.Array {
  return numpy.array(values, {
    shape,
    dtype: values instanceof Int32Array ? numpy.int32 : numpy.float32,
  });
}

function parts(work: Work): Parts | undefined {
  switch (work.kind) {
    case "copy":
      return undefined;
    case "token-statistics": {
      const { rows, columns, logits, targets } = work.input;
      return {
        inputs: [array(logits, [rows, columns]), array(Int32Array.from(targets), [rows, 1])],
        call: (logits, targets) => statistics(logits!, targets!),
      };
    }
    case "token-statistics-backward": {
      const { rows, columns, logits, targets, gradLogProb, gradEntropy } = work.input;
      const gradient = jax.grad(weightedStatistics);
      return {
        inputs: [
          array(logits, [rows, columns]),
          array(Int32Array.from(targets), [rows, 1]),
          array(gradLogProb),
          array(gradEntropy),
        ],
        call: (logits, targets, gradLogProb, gradEntropy) => [
          gradient(logits!, targets!, gradLogProb!, gradEntropy!),
        ],
      };
    }
    case "matmul": {
      const { size, a, b } = work.input;
      return {
        inputs: [array(a, [size, size]), array(b, [size, size])],
        call: (a, b) => [numpy.matmul(a!, b!)],
      };
    }
    case "selection": {
      const { count, input } = work;
      return {
        inputs: [array(input.covariance), array(Float32Array.from(input.mask))],
        call: (covariance, mask) => {
          const candidates = numpy.where(numpy.greater(mask!, 0), covariance!, -Infinity);
          const [values, indices] = jax.lax.topK(candidates, count);
          values.dispose();
          return [indices];
        },
        shape: ([indices]) => [sortedValues(input.covariance, Array.from(indices!))],
      };
    }
    case "covariance": {
      const { logProb, advantages, mask } = work.input;
      return {
        inputs: [array(logProb), array(advantages), array(Float32Array.from(mask))],
        call: (logProb, advantages, mask) => covariance(logProb!, advantages!, mask!),
      };
    }
    case "policy-loss": {
      const { logProb, oldLogProb, advantages, mask } = work.input;
      return {
        inputs: [
          array(logProb),
          array(oldLogProb),
          array(advantages),
          array(Float32Array.from(mask)),
        ],
        call: jax.valueAndGrad(plainPpo) as Parts["call"],
      };
    }
  }
}

function statistics(logits: jax.Array, targets: jax.Array): jax.Array[] {
  const rows = logits.shape[0]!;
  const logP = nn.logSoftmax(logits, -1);
  const logProb = numpy.takeAlongAxis(logP.ref, targets, -1).reshape([rows]);
  return [logProb, entropy(logP)];
}

/** The loss whose gradient is taken. Gathering has none under `jit` here, so the target is masked. */
function weightedStatistics(
  logits: jax.Array,
  targets: jax.Array,
  gradLogProb: jax.Array,
  gradEntropy: jax.Array,
): jax.Array {
  const columns = numpy.arange(logits.shape[1]!).astype(numpy.int32).reshape([1, -1]);
  const logP = nn.logSoftmax(logits, -1);
  const logProb = numpy.sum(numpy.where(numpy.equal(columns, targets), logP.ref, 0), -1);
  return numpy.sum(logProb.mul(gradLogProb)).add(numpy.sum(entropy(logP).mul(gradEntropy)));
}

function entropy(logP: jax.Array): jax.Array {
  return numpy.sum(numpy.exp(logP.ref).mul(logP), -1).neg();
}

function covariance(logProb: jax.Array, advantages: jax.Array, mask: jax.Array): jax.Array[] {
  const count = numpy.sum(mask.ref);
  const centred = (values: jax.Array) =>
    values.ref.sub(numpy.sum(values.mul(mask.ref)).div(count.ref));
  const each = centred(logProb).mul(centred(advantages)).mul(mask.ref);
  mask.dispose();
  return [each.ref, numpy.sum(each).div(count)];
}

function plainPpo(
  logProb: jax.Array,
  oldLogProb: jax.Array,
  advantages: jax.Array,
  mask: jax.Array,
): jax.Array {
  const ratio = numpy.exp(logProb.sub(oldLogProb));
  const clipped = numpy.clip(ratio.ref, 0.8, 1.2).mul(advantages.ref);
  const losses = numpy.minimum(ratio.mul(advantages), clipped).neg();
  return numpy.sum(losses.mul(mask.ref)).div(numpy.sum(mask));
}
