/**
 * The paper's mechanism as WGSL compute shaders: token statistics and their gradients, covariance,
 * selection, policy loss, and what a transformer needs to be trained. Runs on any WebGPU adapter, in Deno
 * and in browsers.
 *
 * Every kernel is called with a recorder and one object of inputs, options and `out`, which is what it writes: a
 * tensor, or several by name. What it changes in place goes by its own name: what `rope` rotates, AdamW's
 * parameter and moments, the sampler's `done`.
 *
 * ```ts
 * using gpu = await requestGpu();
 * // Two tokens of a vocabulary of three.
 * using logits = gpu.tensor([0, 1, 2, 3, 5, 4], [2, 3]);
 * using targets = gpu.tensor(Uint32Array.of(2, 0));
 * using out = emptyTokenStatistics(gpu, 2);
 * const recorder = gpu.record();
 * tokenStatistics(recorder, { logits, targets, temperature: 0.7, out });
 * const [logProb, entropy] = await recorder.read(out.logProb, out.entropy);
 * console.log(logProb, entropy);
 * ```
 *
 * @module
 */
export * from "./runtime/errors.ts";
export { type AdapterInfo, type Features, type GpuOptions } from "./runtime/adapter.ts";
export { Gpu, requestGpu } from "./runtime/gpu.ts";
export { GpuContext } from "./runtime/context.ts";
export { type DataType, Tensor } from "./runtime/tensor.ts";
export { type Elements, type TypeFor } from "./runtime/elements.ts";
export { Profile } from "./runtime/profile.ts";
export { type Program, type ProgramSource } from "./runtime/program.ts";
export {
  type CopyRange,
  type Dispatch,
  type Readback,
  Recorder,
  type Slice,
  type Values,
  type ValuesOf,
} from "./runtime/recorder.ts";
export { type AttentionTiles, TILES, type Tiles } from "./runtime/tiles.ts";
export * from "./random/philox_reference.ts";
export { uniforms, type UniformsOptions } from "./random/uniforms.ts";
export {
  checkTokenStatistics,
  emptyTokenStatistics,
  type InvalidRows,
  LOWEST_TEMPERATURE,
  readInvalidRows,
  type TokenStatistics,
  tokenStatistics,
  type TokenStatisticsOptions,
  type TokenStatisticsSettings,
  WORDS_BEFORE_ROWS,
} from "./softmax/token_statistics.ts";
export * from "./softmax/token_statistics_reference.ts";
export {
  tokenStatisticsBackward,
  type TokenStatisticsBackwardOptions,
} from "./softmax/token_statistics_backward.ts";
export * from "./softmax/token_statistics_backward_reference.ts";
export * from "./softmax/fused_projection.ts";
export * from "./covariance/token_covariance.ts";
export * from "./covariance/covariance_reference.ts";
export * from "./covariance/sequence_covariance.ts";
export * from "./covariance/sequence_covariance_reference.ts";
export * from "./covariance/group_means.ts";
export * from "./covariance/group_means_reference.ts";
export * from "./selection/selection.ts";
export {
  type SampleOptions,
  type SelectionInput,
  type UnclippedOptions,
} from "./selection/selection_keys.ts";
export { type Amount } from "./selection/radix_select.ts";
export * from "./selection/selection_reference.ts";
export * from "./policy_loss/policy_loss_settings.ts";
export * from "./policy_loss/policy_loss.ts";
export * from "./policy_loss/policy_loss_reference.ts";
export * from "./policy_loss/select_tokens.ts";
export * from "./transformer/matmul.ts";
export * from "./transformer/matmul_reference.ts";
export * from "./transformer/column_sums.ts";
export * from "./transformer/column_sums_reference.ts";
export {
  type ActiveRowsOption,
  listActiveRows,
  type ListActiveRowsOptions,
} from "./transformer/active_rows.ts";
export * from "./transformer/active_rows_reference.ts";
export * from "./transformer/embedding.ts";
export * from "./transformer/embedding_reference.ts";
export * from "./transformer/rms_norm.ts";
export * from "./transformer/rms_norm_reference.ts";
export * from "./transformer/rope.ts";
export * from "./transformer/rope_reference.ts";
export * from "./transformer/rope_table.ts";
export {
  attention,
  attentionDecode,
  type AttentionDecodeOptions,
  type AttentionInput,
  type AttentionOptions,
  type AttentionOutput,
} from "./transformer/attention.ts";
export {
  attentionBackward,
  type AttentionBackwardOptions,
  type AttentionGradients,
} from "./transformer/attention_backward.ts";
export * from "./transformer/attention_reference.ts";
export * from "./transformer/key_value_cache.ts";
export * from "./transformer/key_value_cache_reference.ts";
export {
  alignedSize,
  type SideBySide,
  sideBySide,
  sideBySideSize,
} from "./transformer/side_by_side.ts";
export * from "./transformer/swiglu.ts";
export * from "./transformer/swiglu_reference.ts";
export * from "./transformer/sampling.ts";
export * from "./transformer/sampling_reference.ts";
export * from "./optimizer/adamw.ts";
export * from "./optimizer/adamw_reference.ts";
export * from "./optimizer/gradient_norm.ts";
export * from "./optimizer/gradient_norm_reference.ts";
