import { grid } from "../runtime/grid.ts";
import philox from "../random/philox.wgsl" with { type: "text" };
import { seedWords, streamWord } from "../random/uniforms.ts";
import { limit, type Recorder } from "../runtime/recorder.ts";
import { expectElements, type Tensor } from "../runtime/tensor.ts";
import countsCode from "./counts.wgsl" with { type: "text" };
import code from "./selection_keys.wgsl" with { type: "text" };

/** The tokens to select from, each of any shape with N elements. */
export interface SelectionInput {
  /** Covariance of each token, in f32. */
  readonly covariance: Tensor;
  /** Not 0, whatever else, for response tokens; 0 for padding; in u32. */
  readonly mask: Tensor;
}

/** Which tokens are drawn, and how. */
export interface SampleOptions {
  /** Tokens with covarianceLow < covariance < covarianceHigh are candidates (paper: ω_low, ω_high). */
  readonly covarianceLow: number;
  /** See `covarianceLow`. */
  readonly covarianceHigh: number;
  /** A whole number from 0 to 2^53 − 1; the same seed and stream draw the same tokens. */
  readonly seed: number;
  /** Tells apart draws of one seed, a 32-bit number; 0 by default. */
  readonly stream?: number;
  /** Leave out tokens that PPO clips already, as verl does. */
  readonly unclipped?: UnclippedOptions;
}

/** What PPO's clip depends on; tensors of any shape with N elements. */
export interface UnclippedOptions {
  /** Log-probabilities of the current policy, in f32. */
  readonly logProb: Tensor;
  /** Log-probabilities of the rollout policy, in f32. */
  readonly oldLogProb: Tensor;
  /** Advantages, in f32. */
  readonly advantages: Tensor;
  /** ε below 1; Infinity for none. */
  readonly clipLow: number;
  /** ε above 1; Infinity for none. */
  readonly clipHigh: number;
}

/** The key of each token, larger for tokens that are selected first; both live until the submission. */
export interface Keys {
  /** 0 for tokens that cannot be selected, [N] in u32. */
  readonly keys: Tensor<"u32">;
  /** Number of response tokens, number of candidates, [2] in u32. */
  readonly counts: Tensor<"u32">;
}

/**
 * Checks the tokens to select from.
 *
 * @returns How many there are.
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function checkSelectionInput({ covariance, mask }: SelectionInput): number {
  const { size } = covariance;
  expectElements("covariance", covariance, "f32", size);
  expectElements("mask", mask, "u32", size);
  return size;
}

/** Keys that order the response tokens by their covariance. */
export function covarianceKeys(recorder: Recorder, input: SelectionInput): Keys {
  return recordKeys(recorder, "top", input, { covarianceLow: 0, covarianceHigh: 0, seed: 0 });
}

/**
 * Random keys of the candidates of a sample.
 *
 * @throws {ShapeError} if shapes or types of what PPO's clip depends on do not fit.
 */
export function randomKeys(recorder: Recorder, options: SelectionInput & SampleOptions): Keys {
  const { covariance: { size }, unclipped } = options;
  if (unclipped !== undefined) {
    expectElements("logProb", unclipped.logProb, "f32", size);
    expectElements("oldLogProb", unclipped.oldLogProb, "f32", size);
    expectElements("advantages", unclipped.advantages, "f32", size);
  }
  return recordKeys(recorder, "sample", options, options);
}

function recordKeys(
  recorder: Recorder,
  entryPoint: "top" | "sample",
  { covariance, mask }: SelectionInput,
  { covarianceLow, covarianceHigh, seed, stream = 0, unclipped }: SampleOptions,
): Keys {
  const { size } = covariance;
  const { lanes, perLane } = recorder.gpu.tiles.elements;
  const program = recorder.gpu.program({
    name: "selection_keys",
    code: philox + countsCode + code,
    entryPoint,
    constants: {
      LANES: lanes,
      PER_LANE: perLane,
      UNCLIPPED: Number(unclipped !== undefined),
    },
  });
  const keys = recorder.temporary([size], "u32");
  const counts = recorder.temporary([2], "u32");
  recorder.clear(counts);
  // What PPO's clip depends on is not read where it does not matter; a binding must be something.
  const { logProb, oldLogProb, advantages } = unclipped ??
    { logProb: covariance, oldLogProb: covariance, advantages: covariance };
  const clip: Readonly<Record<string, Tensor>> = entryPoint === "sample"
    ? { log_prob: logProb, old_log_prob: oldLogProb, advantages }
    : {};
  recorder.dispatch(program, {
    bindings: { mask, covariance, ...clip, keys, counts },
    params: {
      size,
      low: covarianceLow,
      high: covarianceHigh,
      ...seedWords(seed),
      stream: streamWord(stream),
      clip_low: limit(unclipped?.clipLow ?? 0),
      clip_high: limit(unclipped?.clipHigh ?? 0),
    },
    workgroups: grid(size, lanes * perLane),
  });
  return { keys, counts };
}
