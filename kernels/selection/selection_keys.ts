import philox from "../random/philox.wgsl" with { type: "text" };
import { seedWords, streamWord } from "../random/uniforms.ts";
import { limit, type Recorder } from "../runtime/recorder.ts";
import { type StagedBindings, stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import { expectElements, type Tensor } from "../runtime/tensor.ts";
import { tokenParts } from "../runtime/token_parts.ts";
import tokenVectors from "../runtime/token_vectors.wgsl" with { type: "text" };
import { LISTED_BYTES, type Lister, workgroupsFor } from "./candidates.ts";
import countsCode from "./counts.wgsl" with { type: "text" };
import floatKeys from "./float_keys.wgsl" with { type: "text" };
import code from "./selection_keys.wgsl" with { type: "text" };

/** What a list is made of. */
const READ = ["mask", "covariance", "log_prob", "old_log_prob", "advantages"] as const;

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

/** What lists the response tokens by their covariance. */
export function covarianceLister(recorder: Recorder, input: SelectionInput): Lister {
  return lister(recorder, "top", input, { covarianceLow: 0, covarianceHigh: 0, seed: 0 });
}

/**
 * What lists the candidates of a sample by random keys.
 *
 * @throws {ShapeError} if shapes or types of what PPO's clip depends on do not fit, or the seed or the stream is
 * out of range.
 */
export function randomLister(
  recorder: Recorder,
  options: SelectionInput & SampleOptions,
): Lister {
  const { covariance: { size }, unclipped } = options;
  if (unclipped !== undefined) {
    expectElements("logProb", unclipped.logProb, "f32", size);
    expectElements("oldLogProb", unclipped.oldLogProb, "f32", size);
    expectElements("advantages", unclipped.advantages, "f32", size);
  }
  return lister(recorder, "sample", options, options);
}

function lister(
  recorder: Recorder,
  entryPoint: "top" | "sample",
  { covariance, mask }: SelectionInput,
  { covarianceLow, covarianceHigh, seed, stream = 0, unclipped }: SampleOptions,
): Lister {
  const { gpu } = recorder;
  const { size } = covariance;
  const { lanes, vectors } = gpu.tiles.tokens;
  const program = (code: string) =>
    gpu.program({
      name: "selection_keys",
      code: philox + countsCode + floatKeys + tokenVectors + code,
      entryPoint,
      constants: {
        LANES: lanes,
        VECTORS: vectors,
        UNCLIPPED: Number(unclipped !== undefined),
      },
    });
  const { logProb, oldLogProb, advantages } = unclipped ??
    { logProb: covariance, oldLogProb: covariance, advantages: covariance };
  const tensors = [mask, covariance, logProb, oldLogProb, advantages] as const;
  const parts = tokenParts(gpu, { size, bytes: LISTED_BYTES }, ...tensors);
  const slicesOf = ({ slices }: (typeof parts)[number]) => {
    const [mask, covariance, logProb, oldLogProb, advantages] = slices;
    return {
      mask,
      covariance,
      ...(unclipped === undefined
        ? {}
        : { log_prob: logProb, old_log_prob: oldLogProb, advantages }),
    };
  };
  // Whatever is listed is listed from the same where there is one part.
  const only = parts.length === 1 ? stageInputs(recorder, slicesOf(parts[0]!)) : undefined;
  return {
    size,
    parts,
    list({ lists, counts, listing }, { stride, few }) {
      const inPlace = few && only === undefined;
      const own = program(inPlace ? code : stagedCode(gpu, code, READ));
      for (const [part, tokens] of parts.entries()) {
        const { first, count } = tokens;
        const slices = slicesOf(tokens);
        const inputs: StagedBindings = only ?? (inPlace ? slices : stageInputs(recorder, slices));
        // What PPO's clip depends on is not read where it does not matter; a binding must be something.
        const clip: StagedBindings = entryPoint === "sample"
          ? {
            log_prob: inputs.covariance!,
            old_log_prob: inputs.covariance!,
            advantages: inputs.covariance!,
          }
          : {};
        const groups = workgroupsFor(gpu, Math.ceil(count / 4 / stride));
        recorder.dispatch(own, {
          bindings: { ...clip, ...inputs, listing, list: lists[part]!, counts },
          params: {
            size: count,
            first,
            part,
            invocations: lanes * groups,
            stride,
            low: covarianceLow,
            high: covarianceHigh,
            ...seedWords(seed),
            stream: streamWord(stream),
            clip_low: limit(unclipped?.clipLow ?? 0),
            clip_high: limit(unclipped?.clipHigh ?? 0),
          },
          workgroups: [groups],
        });
      }
    },
  };
}
