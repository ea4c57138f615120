import {
  emptySelection,
  emptyTokenCovariance,
  type Gpu,
  groupMeans,
  readSequenceCovariance,
  selectTokens,
  sequenceCovariance,
  TABLE_1_SHARES,
  type Tensor,
  tokenCovariance,
} from "../../kernels/mod.ts";
import { lossSettings, selectionSettings, selectsAmong } from "./loss_settings.ts";
import { mean } from "./mean.ts";
import { atResponses, longestResponse } from "./policy/sequences.ts";
import { type Sample, sampleTensors } from "./sample.ts";
import type { TrainSettings } from "./train_settings.ts";
import type { StepData } from "./step_data.ts";

/** The covariance of a whole rollout under the policy that made it, on the GPU. */
export interface RolloutCovariance extends Disposable {
  /** Mean over tokens (paper, Eq. 10), [1] in f32. */
  readonly mean: Tensor<"f32">;
  /** Means over the tokens of highest covariance (paper, Table 1), [6] in f32. */
  readonly groups: Tensor<"f32">;
  /** Of each prompt over whole responses (paper, Eqs. 8-9), with A and with π·A, [prompts, 2] in f32. */
  readonly sequences: Tensor<"f32">;
  /** 1 for tokens that are selected with `selection: "batch"`, else undefined values, [B·R] in u32. */
  readonly selected: Tensor<"u32">;
}

/**
 * Records and submits the covariance of a rollout, and the selection in it where the settings ask for that.
 *
 * @param step The number of the rollout, from 1.
 */
export function recordRolloutCovariance(
  gpu: Gpu,
  samples: readonly Sample[],
  settings: TrainSettings,
  step: number,
): RolloutCovariance {
  const { group } = settings;
  const columns = longestResponse(samples);
  const shape = [samples.length, columns];
  using tensors = sampleTensors(gpu, samples, columns);
  using mask = gpu.tensor(Uint32Array.from(atResponses(samples, columns, () => 1)), shape);
  const covariance = emptyTokenCovariance(gpu, samples.length * columns);
  const selection = emptySelection(gpu, samples.length * columns);
  const groups = gpu.empty([TABLE_1_SHARES.length]);
  const sequences = gpu.empty([Math.ceil(samples.length / group), 2]);
  const { oldLogProb, advantages } = tensors;
  const input = { logProb: oldLogProb, oldLogProb, advantages, mask };
  const recorder = gpu.record("covariance");
  recorder.scope("covariance", () => {
    if (selectsAmong(settings) === "batch") {
      selectTokens(recorder, {
        ...input,
        ...selectionSettings(settings, step * settings.minibatches),
        settings: lossSettings(settings),
        out: { covariance, selection },
      });
    } else tokenCovariance(recorder, { ...input, out: covariance });
    groupMeans(recorder, { covariance: covariance.covariance, mask, out: groups });
    sequenceCovariance(recorder, { ...input, group, out: sequences });
  });
  recorder.submit();
  return {
    mean: covariance.mean,
    groups,
    sequences,
    selected: selection.selected,
    [Symbol.dispose]() {
      for (const made of [covariance, selection, groups, sequences]) made[Symbol.dispose]();
    },
  };
}

/** What was read of a {@linkcode RolloutCovariance}. */
export interface CovarianceValues {
  /** See there. */
  readonly mean: Float32Array;
  /** See there. */
  readonly groups: Float32Array;
  /** See there. */
  readonly sequences: Float32Array;
}

/** What a step logs of its rollout's covariance. */
export function covarianceData(
  samples: readonly Sample[],
  group: number,
  { mean: [ofTokens], groups, sequences }: CovarianceValues,
): Partial<StepData> {
  const covariances = readSequenceCovariance(sequences);
  const prompts = covariances.map(({ withPolicyAdvantage }, prompt) => ({
    // As the policy gradient sees it (paper, Theorem 1).
    covariance: withPolicyAdvantage,
    right: samples[prompt * group]!.right,
  }));
  const byRight = Map.groupBy(prompts, ({ right }) => right);
  const meanOf = (some: typeof prompts) => mean(some.map(({ covariance }) => covariance));
  return {
    "covariance/mean": ofTokens!,
    // The last of Table 1 is all tokens, whose mean that is.
    ...Object.fromEntries(
      TABLE_1_SHARES.slice(0, -1).map((share, i) => [`covariance/top-${share}`, groups[i]!]),
    ),
    "covariance/sequence": meanOf(prompts),
    "covariance/sequence-advantage": mean(covariances.map(({ withAdvantage }) => withAdvantage)),
    ...Object.fromEntries(
      [...byRight].sort(([left], [right]) => left - right).map((
        [right, some],
      ) => [`covariance/difficulty/${right}`, meanOf(some)]),
    ),
  };
}
