import { ShapeError } from "./errors.ts";
import type { GpuContext } from "./context.ts";
import { grid } from "./grid.ts";
import type { Slice } from "./recorder.ts";
import { sliceRows } from "./rows.ts";
import type { Tensor } from "./tensor.ts";

/** How many tokens there are. */
export interface TokenCount {
  /** All of them. */
  readonly size: number;
  /** Bytes of a token in what is widest, 4 by default. */
  readonly bytes?: number;
}

/** Consecutive tokens of several tensors, and the workgroups that they are divided among. */
export interface TokenPart<Tensors extends readonly Tensor[]> {
  /** First token, a multiple of four. */
  readonly first: number;
  /** Number of tokens. */
  readonly count: number;
  /** What to bind of each tensor; it begins with the first token. */
  readonly slices: { readonly [I in keyof Tensors]: Slice };
  /** Workgroups of the parts before this one. */
  readonly firstBlock: number;
  /** Workgroups of this part. */
  readonly blocks: number;
  /** The grid of the workgroups. */
  readonly workgroups: [number, number];
}

/**
 * Cuts tensors of a word for each token into parts that fit the adapter's bindings, mostly one, and divides each
 * among workgroups, which read four tokens at a time.
 *
 * @throws {ShapeError} if not even the smallest part fits, or a tensor is a part of another that begins where no
 * binding may.
 */
export function tokenParts<const Tensors extends readonly Tensor[]>(
  gpu: GpuContext,
  { size, bytes = 4 }: TokenCount,
  ...tensors: Tensors
): TokenPart<Tensors>[] {
  const { minStorageBufferOffsetAlignment: alignment, maxStorageBufferBindingSize: limit } =
    gpu.device.limits;
  // Bindings begin at multiples of the alignment and end at whole vectors.
  const step = alignment / 4;
  const { stageBytes } = gpu.tiles;
  const fitting = stageBytes === 0 ? limit / bytes : Math.min(limit / bytes, stageBytes / 4);
  const most = Math.floor(fitting / step) * step;
  if (most === 0) {
    throw new ShapeError(`${step} tokens do not fit into a binding of ${limit} bytes.`);
  }
  const { lanes, vectors } = gpu.tiles.tokens;
  const perBlock = 4 * lanes * vectors;
  const parts: TokenPart<Tensors>[] = [];
  let firstBlock = 0;
  for (let first = 0; first < size; first += most) {
    const count = Math.min(most, size - first);
    const slices = tensors.map((tensor) =>
      sliceRows(gpu, tensor, { width: 1, first, count })
    ) as TokenPart<Tensors>["slices"];
    const blocks = Math.ceil(count / perBlock);
    parts.push({ first, count, slices, firstBlock, blocks, workgroups: grid(count, perBlock) });
    firstBlock += blocks;
  }
  return parts;
}

/** Workgroups of all parts. */
export function blocksOf(parts: readonly TokenPart<readonly Tensor[]>[]): number {
  return parts.reduce((sum, { blocks }) => sum + blocks, 0);
}
