import elementary from "../softmax/elementary.wgsl" with { type: "text" };
import { ShapeError } from "../runtime/errors.ts";
import type { GpuContext } from "../runtime/context.ts";
import { grid } from "../runtime/grid.ts";
import type { Program } from "../runtime/program.ts";
import { limit, type Recorder, type Slice } from "../runtime/recorder.ts";
import { stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import { expectElements, expectTensor, type Tensor } from "../runtime/tensor.ts";
import { blocksOf, tokenParts } from "../runtime/token_parts.ts";
import tokenVectors from "../runtime/token_vectors.wgsl" with { type: "text" };
import entropyBonus from "./entropy_bonus.wgsl" with { type: "text" };
import metricsCode from "./metrics.wgsl" with { type: "text" };
import code from "./policy_loss.wgsl" with { type: "text" };
import referenceKl from "./reference_kl.wgsl" with { type: "text" };
import rowWeights from "./row_weights.wgsl" with { type: "text" };
import {
  type Aggregation,
  AGGREGATIONS,
  DEFINITIONS,
  INTERVENTIONS,
  KL_ESTIMATORS,
  type PolicyLossSettings,
} from "./policy_loss_settings.ts";
import sums from "./sums.wgsl" with { type: "text" };
import tokenWeights from "./token_weights.wgsl" with { type: "text" };

/** A batch of B responses of T tokens on the GPU. */
export interface PolicyLossTensors {
  /** Log-probabilities of the current policy, [B, T] in f32. */
  readonly logProb: Tensor;
  /** Log-probabilities of the rollout policy, [B, T] in f32. */
  readonly oldLogProb: Tensor;
  /** Advantages, [B, T] in f32. */
  readonly advantages: Tensor;
  /** Not 0, whatever else, for response tokens; 0 for padding; [B, T] in u32. */
  readonly mask: Tensor;
  /**
   * Not 0, whatever else, for tokens that Clip-Cov or KL-Cov selects, B·T elements of any shape in u32; needed
   * with an intervention.
   */
  readonly selected?: Tensor;
  /** Entropies of the current policy, [B, T] in f32; needed for an entropy bonus. */
  readonly entropy?: Tensor;
  /** Log-probabilities of the reference policy, [B, T] in f32; needed for a reference KL. */
  readonly referenceLogProb?: Tensor;
}

/** What {@linkcode policyLoss} takes. */
export interface PolicyLossOptions extends PolicyLossTensors {
  /** Which loss. */
  readonly settings: PolicyLossSettings;
  /** Where the results go. */
  readonly out: PolicyLoss;
}

/** What {@linkcode policyLoss} writes. */
export interface PolicyLoss extends Disposable {
  /** Gradient of the loss with respect to the log-probabilities, [B, T] in f32; 0 for padding. */
  readonly gradLogProb: Tensor<"f32">;
  /** Gradient with respect to the entropies, [B, T] in f32; written only where entropies are given. */
  readonly gradEntropy: Tensor<"f32">;
  /** The loss and its metrics, [8] in f32; {@linkcode readMetrics} names them. */
  readonly metrics: Tensor<"f32">;
}

/** The loss and its metrics, as the GPU computed them. */
export interface PolicyLossMetrics {
  /** The aggregated loss. */
  readonly loss: number;
  /** Share of response tokens whose ratio is clipped; with Clip-Cov, that it selects. */
  readonly clipFraction: number;
  /** Share of response tokens at the bound of the dual clip. */
  readonly clipFractionLower: number;
  /** Mean of −Δ over response tokens, Δ the log-ratio to the rollout policy; with KL-Cov of |Δ|; nats. */
  readonly ppoKl: number;
  /** Mean reference KL over response tokens, nats; 0 without a reference. */
  readonly referenceKl: number;
  /** Mean entropy over response tokens, nats; 0 where none is given. */
  readonly entropy: number;
  /** Number of response tokens that the intervention selects. */
  readonly selected: number;
  /** Number of response tokens. */
  readonly tokens: number;
}

/** What the terms of the loss read. */
const READ = [
  "mask",
  "log_prob",
  "old_log_prob",
  "advantages",
  "selected",
  "reference_log_prob",
  "entropy",
] as const;

/** What policy_loss.wgsl does to selected tokens, its override constant SELECTED. */
const SELECTED = {
  none: { verl: 0, paper: 0 },
  "clip-cov": { verl: 1, paper: 1 },
  "kl-cov": { verl: 2, paper: 3 },
} as const;
/** The number of elements of {@linkcode PolicyLoss.metrics}: the fields of Sums in sums.wgsl. */
export const POLICY_LOSS_METRICS = 8;

/** Makes room for the gradients and metrics of a batch of `rows` responses of `columns` tokens. */
export function emptyPolicyLoss(gpu: GpuContext, rows: number, columns: number): PolicyLoss {
  const tensors = {
    gradLogProb: gpu.empty([rows, columns]),
    gradEntropy: gpu.empty([rows, columns]),
    metrics: gpu.empty([POLICY_LOSS_METRICS]),
  };
  return {
    ...tensors,
    [Symbol.dispose]() {
      for (const tensor of Object.values(tensors)) tensor.destroy();
    },
  };
}

/** Names the elements of {@linkcode PolicyLoss.metrics}, once they were read. */
export function readMetrics(values: ArrayLike<number>): PolicyLossMetrics {
  return {
    loss: values[0]!,
    clipFraction: values[1]!,
    clipFractionLower: values[2]!,
    ppoKl: values[3]!,
    referenceKl: values[4]!,
    entropy: values[5]!,
    selected: values[6]!,
    tokens: values[7]!,
  };
}

/**
 * The policy loss, its gradient with respect to log-probabilities and entropies, and its metrics. Padding
 * is never read, whatever it holds, and sums run in a fixed order. A response token with an input that is NaN
 * or infinite makes the loss, its own gradient and the metrics of that input NaN, also where a clip or a
 * selection would hide it; entropies and the reference only where they have a weight in the loss. So does a
 * ratio beyond the range of float32, of a log-ratio above 88.722, where the token's loss depends on it: where
 * the advantage is not 0 and no clip bounds the loss, or KL-Cov of the paper adds the ratio. Reference:
 * {@linkcode policyLossReference}; matches `compute_policy_loss_vanilla`, `_clip_cov` and `_kl_cov` of
 * verl's core_algos.py.
 *
 * @throws {ShapeError} if shapes or types do not fit, a tensor that the settings need is missing, or a setting
 * is out of its range.
 */
export function policyLoss(
  recorder: Recorder,
  { settings, out, ...input }: PolicyLossOptions,
): void {
  const { rows, columns } = checkInput(input, settings, out);
  const { gpu } = recorder;
  const { lanes, vectors } = gpu.tiles.tokens;
  const { mask, logProb, oldLogProb, advantages, referenceLogProb, entropy } = input;
  const weights = recorder.temporary([rows]);
  const tokens = recorder.temporary([1], "u32");
  recordWeights(recorder, mask, settings.aggregation, { weights, tokens });

  const program = (name: string, source: string, constants: Record<string, number>): Program =>
    gpu.program({
      name,
      code: sums + tokenVectors + tokenWeights + stagedCode(gpu, source, READ),
      constants: {
        LANES: lanes,
        VECTORS: vectors,
        BY_RESPONSE: Number(settings.aggregation === "seq-mean-token-mean"),
        ...constants,
      },
    });
  // All are cut alike, so that their blocks are the same.
  const parts = tokenParts(
    gpu,
    { size: rows * columns },
    mask,
    logProb,
    oldLogProb,
    advantages,
    input.selected ?? mask,
    out.gradLogProb,
    referenceLogProb ?? mask,
    entropy ?? mask,
    out.gradEntropy,
  );
  const blocks = blocksOf(parts);
  const partial = recorder.temporary([blocks, POLICY_LOSS_METRICS]);
  const surrogate = program("policy_loss", elementary + code, {
    CLIPS: Number(Math.min(settings.clipLow, settings.clipHigh) < Infinity),
    CLIPS_DUAL: Number(settings.dualClip < Infinity),
    SELECTED: SELECTED[settings.intervention][settings.definition],
  });
  for (const { first, count, blocks, firstBlock, workgroups, slices } of parts) {
    const [mask, logProb, oldLogProb, advantages, selected, gradLogProb] = slices;
    const [reference, entropySlice, gradEntropy] = slices.slice(6) as [Slice, Slice, Slice];
    const inputs = stageInputs(recorder, {
      mask,
      log_prob: logProb,
      old_log_prob: oldLogProb,
      advantages,
      ...(settings.intervention === "none" ? {} : { selected }),
      ...(referenceLogProb === undefined ? {} : { reference_log_prob: reference }),
      ...(entropy === undefined ? {} : { entropy: entropySlice }),
    });
    const common = { mask: inputs.mask!, weights, sums: partial };
    const params = { size: count, first, columns, blocks, first_block: firstBlock };
    recorder.dispatch(surrogate, {
      bindings: {
        ...common,
        log_prob: inputs.log_prob!,
        old_log_prob: inputs.old_log_prob!,
        advantages: inputs.advantages!,
        // Not read without an intervention; a binding must be something.
        selected: inputs.selected ?? inputs.mask!,
        grad_log_prob: gradLogProb,
      },
      params: {
        ...params,
        clip_low: limit(settings.clipLow),
        clip_high: limit(settings.clipHigh),
        dual_clip: limit(settings.dualClip),
        largest_log_ratio: limit(settings.largestLogRatio),
        kl_coefficient: settings.klCoefficient,
      },
      workgroups,
    });
    if (referenceLogProb !== undefined) {
      recorder.dispatch(
        program("reference_kl", elementary + referenceKl, {
          ESTIMATOR: KL_ESTIMATORS.indexOf(settings.referenceKl),
        }),
        {
          bindings: {
            ...common,
            log_prob: inputs.log_prob!,
            reference_log_prob: inputs.reference_log_prob!,
            grad_log_prob: gradLogProb,
          },
          params: { ...params, coefficient: settings.referenceCoefficient },
          workgroups,
        },
      );
    }
    if (entropy !== undefined) {
      recorder.dispatch(program("entropy_bonus", entropyBonus, {}), {
        bindings: { ...common, entropy: inputs.entropy!, grad_entropy: gradEntropy },
        params: { ...params, coefficient: settings.entropyCoefficient },
        workgroups,
      });
    }
  }
  const metrics = gpu.program({
    name: "metrics",
    code: sums + metricsCode,
    constants: { LANES: lanes },
  });
  recorder.dispatch(metrics, {
    bindings: { sums: partial, tokens, metrics: out.metrics },
    params: { blocks },
    workgroups: [1],
  });
  for (const tensor of [weights, tokens, partial]) recorder.recycle(tensor);
}

function recordWeights(
  recorder: Recorder,
  mask: Tensor,
  aggregation: Aggregation,
  { weights, tokens }: { weights: Tensor; tokens: Tensor },
): void {
  const [rows, columns] = mask.shape as [number, number];
  const lengths = recorder.temporary([rows], "u32");
  const params = { columns, aggregation: AGGREGATIONS.indexOf(aggregation) };
  const { gpu } = recorder;
  const program = (entryPoint: string) =>
    gpu.program({
      name: "row_weights",
      code: stagedCode(gpu, rowWeights, ["mask"]),
      entryPoint,
      constants: { LANES: gpu.tiles.tokens.lanes },
    });
  recorder.clear(lengths);
  for (const { first, count, slices: [maskPart] } of tokenParts(gpu, { size: mask.size }, mask)) {
    const first_row = Math.floor(first / columns);
    const ownRows = Math.floor((first + count - 1) / columns) + 1 - first_row;
    recorder.dispatch(program("row_lengths"), {
      bindings: { ...stageInputs(recorder, { mask: maskPart }), lengths },
      params: { ...params, rows: ownRows, first_row, size: count, first },
      workgroups: grid(ownRows, 1),
    });
  }
  recorder.dispatch(program("row_weights"), {
    bindings: { lengths, weights, tokens },
    params: { ...params, rows, first_row: 0, size: 0, first: 0 },
    workgroups: [1],
  });
  recorder.recycle(lengths);
}

/** A setting that is no number would pass through clamps unseen. */
function checkSettings(settings: PolicyLossSettings): void {
  for (
    const [name, choices] of [
      ["aggregation", AGGREGATIONS],
      ["intervention", INTERVENTIONS],
      ["definition", DEFINITIONS],
      ["referenceKl", KL_ESTIMATORS],
    ] as const
  ) {
    if ((choices as readonly string[]).includes(settings[name])) continue;
    throw new ShapeError(`${name} is ${settings[name]}, expected one of ${choices.join(", ")}.`);
  }
  const finite = [
    "klCoefficient",
    "entropyCoefficient",
    "referenceCoefficient",
  ] as const;
  for (const name of finite) {
    if (Number.isFinite(Math.fround(settings[name]))) continue;
    throw new ShapeError(`${name} is ${settings[name]}, expected a finite number.`);
  }
  for (const name of ["clipLow", "clipHigh", "dualClip", "largestLogRatio"] as const) {
    if (settings[name] > 0) continue;
    throw new ShapeError(`${name} is ${settings[name]}, expected a positive number or Infinity.`);
  }
}

function checkInput(
  input: PolicyLossTensors,
  settings: PolicyLossSettings,
  out: PolicyLoss,
): { rows: number; columns: number } {
  checkSettings(settings);
  expectTensor("logProb", input.logProb, "f32", [-1, -1]);
  const shape = input.logProb.shape as [number, number];
  expectTensor("oldLogProb", input.oldLogProb, "f32", shape);
  expectTensor("advantages", input.advantages, "f32", shape);
  expectTensor("mask", input.mask, "u32", shape);
  const { selected, entropy, referenceLogProb } = input;
  if (selected !== undefined) {
    expectElements("selected", selected, "u32", input.mask.size);
  } else if (settings.intervention !== "none") {
    throw new ShapeError(`the intervention ${settings.intervention} needs the selected tokens.`);
  }
  if (entropy !== undefined) expectTensor("entropy", entropy, "f32", shape);
  else if (settings.entropyCoefficient !== 0) {
    throw new ShapeError(
      `an entropy bonus of ${settings.entropyCoefficient} needs the entropies.`,
    );
  }
  if (referenceLogProb !== undefined) {
    expectTensor("referenceLogProb", referenceLogProb, "f32", shape);
  } else if (settings.referenceCoefficient !== 0) {
    throw new ShapeError(
      `a reference KL of weight ${settings.referenceCoefficient} needs referenceLogProb.`,
    );
  }
  expectTensor("out.gradLogProb", out.gradLogProb, "f32", shape);
  expectTensor("out.gradEntropy", out.gradEntropy, "f32", shape);
  expectTensor("out.metrics", out.metrics, "f32", [POLICY_LOSS_METRICS]);
  return { rows: shape[0], columns: shape[1] };
}
