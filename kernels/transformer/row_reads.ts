import type { GpuContext } from "../runtime/context.ts";
import type { Dispatch, Recorder, Slice } from "../runtime/recorder.ts";
import { type StagedBindings, stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import { Tensor } from "../runtime/tensor.ts";
import { elementsOf } from "./shader_text.ts";

/** A copy into a stage costs more than it helps below so many bytes. */
const LEAST_BYTES = 1 << 15;

/** How large the rows are that a kernel goes through. */
export interface RowExtents {
  /** Rows that are likely to be computed: `RowsInterface.likely`. */
  readonly rows: number;
  /** Numbers of a row. */
  readonly width: number;
}

/** How a kernel reads rows. */
export interface RowReads {
  /** Its source, with what its elements are. */
  readonly code: (source: string) => string;
  /** Chunks of a row. */
  readonly chunks: number;
  /** What to bind for the inputs that it reads. */
  readonly bind: (recorder: Recorder, inputs: Readonly<Record<string, Slice>>) => StagedBindings;
}

/**
 * How a kernel reads the inputs of these names, arrays of `Elements` that are indexed by a variable: through stages
 * where the adapter has them (stage.ts), rows are vectors, and there are enough of them. Their rows are those of
 * `stagedRowBlocks`.
 */
export function rowReads(
  gpu: GpuContext,
  { rows, width }: RowExtents,
  names: readonly string[],
): RowReads {
  const { code, chunks } = elementsOf(width);
  if (width % 4 !== 0 || 4 * rows * width < LEAST_BYTES) {
    return { code: (source) => code + source, chunks, bind: (_, inputs) => inputs };
  }
  return {
    code: (source) => code + stagedCode(gpu, asVectors(source, names), names),
    chunks,
    bind: stageInputs,
  };
}

/** How a kernel reads inputs at any place. */
export interface WholeReads {
  /** Its source. */
  readonly code: (source: string) => string;
  /** What to bind for the inputs. */
  readonly bind: (recorder: Recorder) => Dispatch["bindings"];
}

/**
 * How a kernel reads these inputs, arrays of `Elements` or of vectors that are indexed by a variable: through stages
 * where the adapter has them, each input fits one, rows are vectors, and there are enough of them.
 */
export function wholeReads(
  gpu: GpuContext,
  { rows, width }: RowExtents,
  inputs: Readonly<Record<string, Tensor | Slice>>,
): WholeReads {
  const names = Object.keys(inputs);
  const isStaged = width % 4 === 0 && 4 * rows * width >= LEAST_BYTES &&
    Object.values(inputs).every(({ bytes }) => bytes <= gpu.tiles.stageBytes);
  if (!isStaged) return { code: (source) => source, bind: () => inputs };
  return {
    code: (source) => stagedCode(gpu, asVectors(source, names), names),
    bind: (recorder) =>
      stageInputs(
        recorder,
        Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, sliceOf(input)])),
      ),
  };
}

/** All of a tensor, as it is bound. */
export function sliceOf(input: Tensor | Slice): Slice {
  if (!(input instanceof Tensor)) return input;
  return { tensor: input, offset: input.offset, bytes: input.bytes };
}

/** The source, with inputs of these names declared as what `Elements` are where rows are vectors. */
function asVectors(source: string, names: readonly string[]): string {
  return names.reduce(
    (source, name) =>
      source.replace(
        `var<storage, read> ${name}: array<Elements>`,
        `var<storage, read> ${name}: array<vec4f>`,
      ),
    source,
  );
}
