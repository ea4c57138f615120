import type { AdapterInfo } from "./adapter.ts";

/** How many times four queries or keys an invocation of attention takes. */
export interface AttentionTiles {
  /** Queries of the forward pass. */
  readonly forward: number;
  /** Queries of the backward pass. */
  readonly queries: number;
  /** Keys of the backward pass, and of large heads those of a step of any pass. */
  readonly keys: number;
}

/** Tile sizes that suit a kind of adapter; they change speed, never results beyond rounding. */
export interface Tiles {
  /** Matrix product. */
  readonly matmul: {
    /** 4×4 blocks of an invocation, down and across, and what a workgroup of so many takes, in any unit. */
    readonly tiles: readonly {
      readonly rows: 2 | 4;
      readonly columns: 1 | 2 | 4;
      readonly cost: number;
    }[];
    /** Invocations of a workgroup, across and down. */
    readonly lanes: readonly (readonly [across: number, down: number])[];
    /** Workgroups that keep the adapter busy; fewer are made more by splitting the inner dimension. */
    readonly busy: number;
  };
  /** Token statistics: invocations of a workgroup, the most that share a row, columns that one takes at least. */
  readonly statistics: { readonly group: number; readonly lanes: number; readonly perLane: number };
  /**
   * Attention: the most chunks of a head that an invocation holds in registers, the tiles of an invocation where
   * it does and where heads are larger, and whether neighbouring invocations take neighbouring positions of one
   * head or other heads at the same positions. A CPU's loads are slow and its caches hold many registers, so an
   * invocation takes many queries and keys; and it wants the loops of neighbours to be equally long. A GPU
   * serves their equal reads at once.
   */
  readonly attention: {
    readonly most: number;
    readonly held: AttentionTiles;
    readonly wide: AttentionTiles;
    readonly positionsFirst: boolean;
  };
  /** Bytes of each texture through which kernels read, 0 where they read buffers (stage.ts). */
  readonly stageBytes: number;
  /** RMS norm's backward: rows of an invocation, least and most, and workgroups below which it takes fewer. */
  readonly normBackward: { readonly least: number; readonly most: number; readonly busy: number };
  /** Element-wise kernels and reductions: invocations of a workgroup, elements of an invocation. */
  readonly elements: { readonly lanes: number; readonly perLane: number };
  /**
   * Kernels over tokens: invocations of a workgroup, vectors of four tokens of an invocation, and, where it takes
   * as many as there are, workgroups that keep the adapter busy.
   */
  readonly tokens: {
    readonly lanes: number;
    readonly vectors: number;
    readonly busy: number;
  };
}

/**
 * Chosen by measurement on lavapipe with 256-bit vectors (`deno task bench`), where an invocation's loads
 * are slow and its registers plenty, and, for hardware, by the rules of thumb of coalescing and occupancy.
 */
export const TILES: Readonly<Record<AdapterInfo["kind"], Tiles>> = {
  software: {
    matmul: {
      tiles: [
        { rows: 4, columns: 4, cost: 10 },
        { rows: 4, columns: 2, cost: 6.2 },
        { rows: 2, columns: 4, cost: 5.6 },
        { rows: 2, columns: 2, cost: 3.4 },
        { rows: 2, columns: 1, cost: 2.3 },
      ],
      lanes: [[1, 8], [2, 4], [4, 2], [8, 1]],
      busy: 4,
    },
    statistics: { group: 32, lanes: 16, perLane: 128 },
    attention: {
      most: 8,
      held: { forward: 4, queries: 2, keys: 2 },
      wide: { forward: 4, queries: 4, keys: 4 },
      positionsFirst: false,
    },
    stageBytes: 8 << 20,
    normBackward: { least: 4, most: 16, busy: 8 },
    elements: { lanes: 32, perLane: 16 },
    tokens: { lanes: 8, vectors: 64, busy: 16 },
  },
  hardware: {
    matmul: {
      tiles: [{ rows: 2, columns: 1, cost: 1.2 }, { rows: 2, columns: 2, cost: 2 }],
      lanes: [[16, 16]],
      busy: 256,
    },
    statistics: { group: 256, lanes: 256, perLane: 4 },
    attention: {
      most: 4,
      held: { forward: 1, queries: 1, keys: 1 },
      wide: { forward: 1, queries: 1, keys: 1 },
      positionsFirst: true,
    },
    stageBytes: 0,
    normBackward: { least: 4, most: 16, busy: 256 },
    elements: { lanes: 256, perLane: 4 },
    tokens: { lanes: 256, vectors: 4, busy: 512 },
  },
};
