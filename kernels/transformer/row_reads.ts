import type { GpuContext } from "../runtime/context.ts";
import type { Dispatch, Recorder, Slice } from "../runtime/recorder.ts";
import { fitStage, type StagedBindings, stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import { TEXEL_BYTES } from "../runtime/stage.ts";
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
  /** Numbers of a row of the widest input, `width` by default. */
  readonly widest?: number;
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
 * How a kernel reads the inputs of these names, arrays of `Elements` whose every index is one name: through stages
 * where the adapter has them (stage.ts), rows are vectors, there are enough of them, and the smallest block of them
 * fits. Their rows are those of `stagedRowBlocks`.
 */
export function rowReads(
  gpu: GpuContext,
  extents: RowExtents,
  names: readonly string[],
): RowReads {
  const { code, chunks } = elementsOf(extents.width);
  if (!isWorthStaging(extents) || !blocksFitStage(gpu, extents)) {
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
 * How a kernel reads these inputs, arrays of `Elements` or of vectors whose every index is one name: through stages
 * where the adapter has them, each input fits one, rows are vectors, and there are enough of them. An input of more
 * bytes than a stage has makes all of them be read from buffers, which is many times slower on llvmpipe: it is not cut
 * into parts, as `rowReads` does.
 */
export function wholeReads(
  gpu: GpuContext,
  extents: RowExtents,
  inputs: Readonly<Record<string, Tensor | Slice>>,
): WholeReads {
  const names = Object.keys(inputs);
  if (!isWorthStaging(extents) || !fitStage(gpu, inputs)) {
    return { code: (source) => source, bind: () => inputs };
  }
  return {
    code: (source) => stagedCode(gpu, asVectors(source, names), names),
    bind: (recorder) =>
      stageInputs(
        recorder,
        Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, sliceOf(input)])),
      ),
  };
}

/** Whether rows are vectors, and enough for the copy into a stage to pay. */
function isWorthStaging({ rows, width }: RowExtents): boolean {
  return width % 4 === 0 && 4 * rows * width >= LEAST_BYTES;
}

/** Whether as many rows fit a stage as may lie between where bindings begin. */
function blocksFitStage(gpu: GpuContext, { width, widest = width }: RowExtents): boolean {
  const rows = gpu.device.limits.minStorageBufferOffsetAlignment / TEXEL_BYTES;
  return 4 * rows * widest <= gpu.tiles.stageBytes;
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
