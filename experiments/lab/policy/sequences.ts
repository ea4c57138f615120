import { type Gpu, type Recorder, ropeTable, type Tensor } from "../../../kernels/mod.ts";
import type { ModelConfig } from "../families.ts";
import { rowsAt, type SequenceBatch } from "./forward.ts";
import { ropeSettings } from "./rope_settings.ts";

/** A prompt and what was written after it. */
export interface Sequence {
  /** Tokens of the prompt, at least one. */
  readonly prompt: ArrayLike<number>;
  /** Tokens of the response, at least one. */
  readonly response: ArrayLike<number>;
}

/**
 * Sequences on the GPU as a policy reads and predicts them, one after the other without padding: N tokens
 * in all, M of which predict a response token. What is known of their responses has B rows of R columns.
 */
export interface PredictionBatch extends SequenceBatch, Disposable {
  /** Which of the N tokens predict a response token, in their order, [M] in u32. */
  readonly wanted: Tensor;
  /** Which of the M each token is, [N] in u32; 0xffffffff for tokens that predict no response token. */
  readonly places: Tensor;
  /** The response token that each of the M predicts, [M] in u32. */
  readonly targets: Tensor;
  /** Columns R for response tokens, as many as the longest response has, or more. */
  readonly responseColumns: number;
  /** 1 for response tokens, 0 for padding, [B, R] in u32. */
  readonly mask: Tensor;
  /** Which of the M predicts a response token, [B·R] in u32; none for padding. */
  readonly predictors: Tensor;
  /** Which of the B·R response tokens each of the M predicts, [M] in u32. */
  readonly predicted: Tensor;
}

/** An index past the end of any tensor. */
const NONE = 0xffffffff;

/** The length of the longest response. */
export function longestResponse(sequences: readonly Sequence[]): number {
  return Math.max(...sequences.map(({ response }) => response.length));
}

/**
 * Puts sequences on the GPU.
 *
 * @param responseColumns R, the longest response or more.
 */
export function predictionBatch(
  gpu: Gpu,
  config: ModelConfig,
  sequences: readonly Sequence[],
  responseColumns = longestResponse(sequences),
): PredictionBatch {
  const rows = sequences.length;
  // The last token of a sequence is only predicted.
  const lengths = sequences.map(({ prompt, response }) => prompt.length + response.length - 1);
  const count = lengths.reduce((sum, length) => sum + length, 0);
  const tokens = new Uint32Array(count);
  const positions = new Uint32Array(count);
  const predictions = sequences.reduce((sum, { response }) => sum + response.length, 0);
  const wanted = new Uint32Array(predictions);
  const places = new Uint32Array(count).fill(NONE);
  const targets = new Uint32Array(predictions);
  const predicted = new Uint32Array(predictions);
  const predictors = new Uint32Array(rows * responseColumns).fill(NONE);
  const mask = new Uint32Array(rows * responseColumns);
  const spans = new Uint32Array(2 * rows);
  let first = 0;
  let predictor = 0;
  for (const [row, { prompt, response }] of sequences.entries()) {
    const token = (i: number) => i < prompt.length ? prompt[i]! : response[i - prompt.length]!;
    const length = lengths[row]!;
    for (let i = 0; i < length; i++) {
      tokens[first + i] = token(i);
      positions[first + i] = i;
    }
    for (let i = 0; i < response.length; i++) {
      const at = row * responseColumns + i;
      const token = first + prompt.length - 1 + i;
      mask[at] = 1;
      wanted[predictor] = token;
      places[token] = predictor;
      targets[predictor] = response[i]!;
      predictors[at] = predictor;
      predicted[predictor] = at;
      predictor++;
    }
    spans.set([first, first + length], 2 * row);
    first += length;
  }
  const longest = Math.max(...lengths);
  const tensors = {
    tokens: gpu.tensor(tokens),
    positions: gpu.tensor(positions),
    spans: gpu.tensor(spans, [rows, 2]),
    wanted: gpu.tensor(wanted),
    places: gpu.tensor(places),
    targets: gpu.tensor(targets),
    mask: gpu.tensor(mask, [rows, responseColumns]),
    predictors: gpu.tensor(predictors),
    predicted: gpu.tensor(predicted),
    ropeTable: ropeTable(gpu, longest, ropeSettings(config)),
  };
  return {
    longest,
    responseColumns,
    ...tensors,
    [Symbol.dispose]() {
      for (const tensor of Object.values(tensors)) tensor.destroy();
    },
  };
}

/** Numbers of response tokens, [B, R], from those of their predictors, [M]; 0 for padding; a temporary. */
export function ofResponses(
  recorder: Recorder,
  { predictors, mask }: PredictionBatch,
  values: Tensor,
): Tensor<"f32"> {
  return numbersAt(recorder, predictors, values).reshape(mask.shape);
}

/** The reverse of {@linkcode ofResponses}, [M]; a temporary. */
export function ofPredictors(
  recorder: Recorder,
  { predicted }: PredictionBatch,
  values: Tensor,
): Tensor<"f32"> {
  return numbersAt(recorder, predicted, values);
}

/** A number for each index; 0 for an index past the end; a temporary. */
function numbersAt(recorder: Recorder, indices: Tensor, values: Tensor): Tensor<"f32"> {
  return rowsAt(recorder, indices, values.reshape([values.size, 1])).reshape(indices.shape);
}

/** Numbers of each response token, [B, R]; 0 for padding. */
export function atResponses(
  sequences: readonly Sequence[],
  columns: number,
  value: (row: number, token: number) => number,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(sequences.length * columns);
  for (const [row, { response }] of sequences.entries()) {
    for (let token = 0; token < response.length; token++) {
      values[row * columns + token] = value(row, token);
    }
  }
  return values;
}
