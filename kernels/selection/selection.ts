import { ShapeError } from "../runtime/errors.ts";
import type { Gpu } from "../runtime/gpu.ts";
import { grid } from "../runtime/grid.ts";
import philox from "../random/philox.wgsl" with { type: "text" };
import { seedWords } from "../random/uniforms.ts";
import { f32, type Recorder, u32, type Word } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import fraction from "./fraction.wgsl" with { type: "text" };
import keysCode from "./keys.wgsl" with { type: "text" };
import radixCode from "./radix_select.wgsl" with { type: "text" };

/** How many tokens to select: max(⌊ratio·N⌋, atLeast), N the number of response tokens, at most all candidates. */
export interface Amount {
  /** A share of the response tokens, 0 to 1; the product is rounded to float64 as Python rounds it. */
  readonly ratio: number;
  /** The least number: 0 in the paper, 1 in verl; 0 by default. */
  readonly atLeast?: number;
}

/** What a selection writes. */
export interface Selection extends Disposable {
  /** 1 for selected tokens, 0 for others, [N] in u32. */
  readonly selected: Tensor;
  /** Number selected, number of candidates, number of response tokens, and two working values, [5] in u32. */
  readonly counts: Tensor;
}

/** Makes room for a selection among `size` tokens. */
export function emptySelection(gpu: Gpu, size: number): Selection {
  const selected = gpu.empty([size], "u32");
  const counts = gpu.empty([5], "u32");
  return {
    selected,
    counts,
    [Symbol.dispose]() {
      selected.destroy();
      counts.destroy();
    },
  };
}

/** The tokens to select from, each of any shape with N elements. */
export interface SelectionInput {
  /** Covariance of each token, in f32. */
  readonly covariance: Tensor;
  /** 1 for response tokens, 0 for padding, in u32. */
  readonly mask: Tensor;
}

/**
 * The response tokens of highest covariance, exactly as many as `amount` says, ties by the lowest index
 * (KL-Cov: paper, Eq. 13; `torch.topk` in verl). Runs on the GPU without a readback. Reference:
 * {@linkcode topReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the amount is out of range.
 */
export function selectTop(
  recorder: Recorder,
  input: SelectionInput,
  amount: Amount,
  out: Selection,
): void {
  const size = checkInput(input, out);
  const keys = recordKeys(recorder, "top", input, size);
  radixSelect(recorder, keys, size, amount, out);
}

/** Which tokens are drawn, and how. */
export interface SampleOptions {
  /** Tokens with low < covariance < high are candidates. */
  readonly low: number;
  /** See `low`. */
  readonly high: number;
  /** A whole number from 0 to 2^53 − 1; the same seed and stream draw the same tokens. */
  readonly seed: number;
  /** Tells apart draws of one seed, a 32-bit number. */
  readonly stream?: number;
  /** Leave out tokens that PPO clips already, as verl does. */
  readonly unclipped?: UnclippedOptions;
}

/** What PPO's clip depends on. */
export interface UnclippedOptions {
  /** Log-probabilities of the current policy, in f32. */
  readonly logProb: Tensor;
  /** Log-probabilities of the rollout policy, in f32. */
  readonly oldLogProb: Tensor;
  /** Advantages, in f32. */
  readonly advantages: Tensor;
  /** ε below 1. */
  readonly clipLow: number;
  /** ε above 1. */
  readonly clipHigh: number;
}

/**
 * A uniform sample without replacement of the response tokens whose covariance lies in an open interval,
 * exactly as many as `amount` says (Clip-Cov: paper, Eq. 11; `torch.randperm` in verl). Each candidate gets
 * a random key from Philox, and those of the largest keys are taken. Reference:
 * {@linkcode sampleReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit, or the amount is out of range.
 */
export function selectSample(
  recorder: Recorder,
  input: SelectionInput,
  amount: Amount,
  options: SampleOptions,
  out: Selection,
): void {
  const size = checkInput(input, out);
  const { unclipped } = options;
  if (!(options.low < options.high)) {
    throw new ShapeError(`the interval is (${options.low}, ${options.high}), expected low < high.`);
  }
  const keys = recordKeys(
    recorder,
    unclipped === undefined ? "sample" : "sample_unclipped",
    input,
    size,
    options,
  );
  radixSelect(recorder, keys, size, amount, out);
}

/** The key of each token, and the number of response tokens and of candidates. */
interface Keys {
  keys: Tensor;
  counts: Tensor;
}

function checkInput({ covariance, mask }: SelectionInput, out: Selection): number {
  const { size } = covariance;
  expectTensor("covariance", covariance, "f32", covariance.shape);
  expectTensor("mask", mask, "u32", mask.shape);
  if (mask.size !== size) {
    throw new ShapeError(
      `covariance has ${size} elements and mask ${mask.size}, expected as many.`,
    );
  }
  expectTensor("out.selected", out.selected, "u32", [size]);
  expectTensor("out.counts", out.counts, "u32", [5]);
  return size;
}

function recordKeys(
  recorder: Recorder,
  entryPoint: "top" | "sample" | "sample_unclipped",
  { covariance, mask }: SelectionInput,
  size: number,
  { low, high, seed, stream = 0, unclipped }: SampleOptions = { low: 0, high: 0, seed: 0 },
): Keys {
  const { gpu } = recorder;
  const { lanes, perLane } = gpu.tiles.elements;
  const program = gpu.program({
    name: "keys",
    code: philox + keysCode,
    entryPoint,
    constants: { LANES: lanes, PER_LANE: perLane },
  });
  const keys = recorder.temporary([size], "u32");
  const counts = recorder.temporary([2], "u32");
  recorder.clear(counts);
  recorder.dispatch(program, {
    bindings: [
      mask,
      covariance,
      unclipped?.logProb,
      unclipped?.oldLogProb,
      unclipped?.advantages,
      keys,
      counts,
    ],
    params: [
      u32(size),
      f32(low),
      f32(high),
      ...seedWords(seed),
      u32(stream),
      f32(unclipped?.clipLow ?? 0),
      f32(unclipped?.clipHigh ?? 0),
    ],
    workgroups: grid(size, lanes * perLane),
  });
  return { keys, counts };
}

/** Elements of an invocation in a histogram: many, since each workgroup pays for 256 bins. */
const PER_LANE_HISTOGRAM = 512;

function radixSelect(
  recorder: Recorder,
  { keys, counts }: Keys,
  size: number,
  { ratio, atLeast = 0 }: Amount,
  out: Selection,
): void {
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new ShapeError(`the ratio is ${ratio}, expected a share from 0 to 1.`);
  }
  const { gpu } = recorder;
  const { lanes, perLane } = gpu.tiles.elements;
  const perHistogram = Math.min(PER_LANE_HISTOGRAM, Math.ceil(size / lanes));
  const program = (entryPoint: string) =>
    gpu.program({
      name: "radix_select",
      code: philox + fraction + radixCode,
      entryPoint,
      constants: { LANES: lanes, PER_LANE: perLane, PER_LANE_HISTOGRAM: perHistogram },
    });
  const blocks = Math.ceil(size / (lanes * perLane));
  const histogram = recorder.temporary([256], "u32");
  const ties = recorder.temporary([blocks], "u32");
  recorder.clear(histogram);
  const params = (
    shift: number,
  ) => [u32(size), u32(blocks), u32(shift), ...ratioWords(ratio), u32(atLeast)];
  recorder.dispatch(program("begin"), {
    bindings: [undefined, counts, out.counts],
    params: params(0),
    workgroups: [1],
  });
  for (const shift of [24, 16, 8, 0]) {
    recorder.dispatch(program("count_digits"), {
      bindings: [keys, undefined, out.counts, histogram],
      params: params(shift),
      workgroups: grid(size, lanes * perHistogram),
    });
    recorder.dispatch(program("choose_digit"), {
      bindings: [undefined, undefined, out.counts, histogram],
      params: params(shift),
      workgroups: [1],
    });
  }
  const workgroups = grid(size, lanes * perLane);
  recorder.dispatch(program("count_ties"), {
    bindings: [keys, undefined, out.counts, undefined, ties],
    params: params(0),
    workgroups,
  });
  recorder.dispatch(program("sum_ties"), {
    bindings: [undefined, undefined, undefined, undefined, ties],
    params: params(0),
    workgroups: [1],
  });
  recorder.dispatch(program("mark"), {
    bindings: [keys, undefined, out.counts, undefined, ties, out.selected],
    params: params(0),
    workgroups,
  });
  for (const tensor of [keys, counts, histogram, ties]) recorder.recycle(tensor);
}

/** A ratio from 0 to 1 as the two words of its mantissa and its exponent: (high·2^32 + low)·2^exponent. */
export function ratioWords(ratio: number): [Word, Word, Word] {
  let exponent = 0;
  let mantissa = ratio;
  while (mantissa !== 0 && !Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent--;
  }
  return [u32(mantissa % 2 ** 32), u32(Math.floor(mantissa / 2 ** 32)), u32(exponent >>> 0)];
}
