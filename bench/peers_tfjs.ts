import * as tf from "@tensorflow/tfjs-core";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import "@tensorflow/tfjs-backend-webgpu";
import { clock, type Job, type Library, sortedValues } from "./library.ts";
import type { LogitsInput, TokensInput, Work } from "./bench_problem.ts";

/** A function of tfjs, run in a `tidy`, and the tensors that it reads. */
interface Parts {
  readonly inputs: readonly tf.Tensor[];
  readonly call: () => tf.Tensor[];
  readonly shape?: (values: ArrayLike<number>[]) => ArrayLike<number>[];
}

/**
 * Opens tfjs on its WebGPU backend.
 *
 * @throws {Error} if it finds no adapter.
 */
export async function openTfjs(): Promise<Library> {
  if (!(await tf.setBackend("webgpu"))) throw new Error("it finds no WebGPU adapter");
  const backend = tf.backend() as InstanceType<typeof WebGPUBackend>;
  const { device } = backend;
  return {
    adapter: device.adapterInfo.description,
    prepare: ({ work }) => {
      const made = parts(work);
      return made === undefined ? undefined : job(made);
    },
    destroy() {
      backend.dispose();
      device.destroy();
    },
  };
}

function job({ inputs, call, shape }: Parts): Job {
  return {
    async time(calls) {
      const byClock = await clock(calls, async (calls) => {
        let outputs: tf.Tensor[] = [];
        for (let i = 0; i < calls; i++) {
          tf.dispose(outputs);
          outputs = tf.tidy(call);
        }
        // The queue runs in order, so an element of the last output comes after everything else.
        const last = tf.tidy(() => tf.slice(tf.reshape(outputs.at(-1) ?? inputs[0]!, [-1]), 0, 1));
        await last.data();
        tf.dispose([last, ...outputs]);
      });
      return { clock: byClock, gpu: undefined };
    },
    async results() {
      const outputs = tf.tidy(call);
      const values = await Promise.all(outputs.map((output) => output.data()));
      tf.dispose(outputs);
      return shape === undefined ? values : shape(values);
    },
    destroy() {
      tf.dispose([...inputs]);
    },
  };
}

function parts(work: Work): Parts | undefined {
  switch (work.kind) {
    case "copy":
      return undefined;
    case "token-statistics":
      return forward(work.input);
    case "token-statistics-backward":
      return backward(work.input);
    case "matmul": {
      const { size } = work.input;
      const a = tf.tensor2d(work.input.a, [size, size]);
      const b = tf.tensor2d(work.input.b, [size, size]);
      return { inputs: [a, b], call: () => [tf.matMul(a, b)] };
    }
    case "selection":
      return selection(work.input, work.count);
    case "covariance":
      return covariance(work.input);
    case "policy-loss":
      return plainPpo(work.input);
  }
}

function forward({ rows, columns, logits, targets }: LogitsInput): Parts {
  const logitsTensor = tf.tensor2d(logits, [rows, columns]);
  const places = tf.tensor2d(
    Int32Array.from({ length: 2 * rows }, (_, i) => i % 2 === 0 ? i / 2 : targets[i >> 1]!),
    [rows, 2],
    "int32",
  );
  return {
    inputs: [logitsTensor, places],
    call: () => {
      const logP = tf.logSoftmax(logitsTensor);
      return [tf.gatherND(logP, places), tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), -1))];
    },
  };
}

/** The gradient by its formula: the core of tfjs holds no gradients of its operations. */
function backward(input: LogitsInput): Parts {
  const { rows, columns } = input;
  const logits = tf.tensor2d(input.logits, [rows, columns]);
  const targets = tf.tensor1d(Int32Array.from(input.targets), "int32");
  const gradLogProb = tf.tensor2d(input.gradLogProb, [rows, 1]);
  const gradEntropy = tf.tensor2d(input.gradEntropy, [rows, 1]);
  return {
    inputs: [logits, targets, gradLogProb, gradEntropy],
    call: () => {
      const logP = tf.logSoftmax(logits);
      const p = tf.exp(logP);
      const entropy = tf.neg(tf.sum(tf.mul(p, logP), -1, true));
      const isTarget = tf.oneHot(targets, columns, 1, 0, "float32");
      const each = tf.add(gradLogProb, tf.mul(gradEntropy, tf.add(logP, entropy)));
      return [tf.sub(tf.mul(isTarget, gradLogProb), tf.mul(p, each))];
    },
  };
}

function selection(input: TokensInput, count: number): Parts {
  const covariance = tf.tensor1d(input.covariance);
  const mask = tf.tensor1d(Uint8Array.from(input.mask), "bool");
  return {
    inputs: [covariance, mask],
    call: () => [tf.topk(tf.where(mask, covariance, -Infinity), count).indices],
    shape: ([indices]) => [sortedValues(input.covariance, Array.from(indices!))],
  };
}

function covariance(input: TokensInput): Parts {
  const logProb = tf.tensor1d(input.logProb);
  const advantages = tf.tensor1d(input.advantages);
  const mask = tf.tensor1d(Float32Array.from(input.mask));
  return {
    inputs: [logProb, advantages, mask],
    call: () => {
      const count = tf.sum(mask);
      const centred = (values: tf.Tensor) =>
        tf.sub(values, tf.div(tf.sum(tf.mul(values, mask)), count));
      const each = tf.mul(tf.mul(centred(logProb), centred(advantages)), mask);
      return [each, tf.div(tf.sum(each), count)];
    },
  };
}

/** The loss, and its gradient by its formula. */
function plainPpo(input: TokensInput): Parts {
  const logProb = tf.tensor1d(input.logProb);
  const oldLogProb = tf.tensor1d(input.oldLogProb);
  const advantages = tf.tensor1d(input.advantages);
  const mask = tf.tensor1d(Float32Array.from(input.mask));
  return {
    inputs: [logProb, oldLogProb, advantages, mask],
    call: () => {
      const weights = tf.div(mask, tf.sum(mask));
      const ratio = tf.exp(tf.sub(logProb, oldLogProb));
      const plain = tf.mul(ratio, advantages);
      const clipped = tf.mul(tf.clipByValue(ratio, 0.8, 1.2), advantages);
      const isPlain = tf.cast(tf.lessEqual(plain, clipped), "float32");
      return [
        tf.neg(tf.sum(tf.mul(tf.minimum(plain, clipped), weights))),
        tf.neg(tf.mul(tf.mul(plain, isPlain), weights)),
      ];
    },
  };
}
