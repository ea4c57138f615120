import { grid } from "../runtime/grid.ts";
import type { Recorder } from "../runtime/recorder.ts";
import { expectTensor, type Tensor } from "../runtime/tensor.ts";
import activeCode from "./active_rows.wgsl" with { type: "text" };
import allCode from "./all_rows.wgsl" with { type: "text" };
import listCode from "./list_active_rows.wgsl" with { type: "text" };

/** An option of the kernels that go through a batch row by row. */
export interface ActiveRowsOption {
  /**
   * The rows that are computed, [1 + N] in u32, as {@linkcode listActiveRows} lists them; all by default. The i-th
   * of them stands in slot i of what the kernel says goes by slots, and nothing is written for the others.
   */
  readonly active?: Tensor | undefined;
}

/** What {@linkcode listActiveRows} takes. */
export interface ListActiveRowsOptions {
  /** Not 0 for rows that have ended, [N] in u32. */
  readonly done: Tensor;
  /** How many have not, and which they are in ascending order, [1 + N] in u32; what comes after means nothing. */
  readonly out: Tensor;
}

/**
 * Lists the rows that have not ended, for {@linkcode ActiveRowsOption}: the cost of what follows is that of so
 * many rows, though how many there are is known on the GPU alone. Reference: {@linkcode listActiveRowsReference}.
 *
 * @throws {ShapeError} if shapes or types do not fit.
 */
export function listActiveRows(recorder: Recorder, { done, out }: ListActiveRowsOptions): void {
  expectTensor("done", done, "u32", [-1]);
  expectTensor("out", out, "u32", [1 + done.size]);
  const { gpu } = recorder;
  const program = gpu.program({
    name: "list_active_rows",
    code: listCode,
    constants: { LANES: gpu.tiles.elements.lanes },
  });
  recorder.dispatch(program, {
    bindings: { done, active_rows: out },
    params: { rows: done.size },
    workgroups: [1],
  });
}

/** What a kernel with {@linkcode ActiveRowsOption} takes from it. */
export interface RowsInterface {
  /** WGSL to prepend: all_rows.wgsl or active_rows.wgsl. */
  readonly code: string;
  /** What that binds. */
  readonly bindings: { readonly active_rows?: Tensor };
  /** How many of so many rows are likely to be computed, for what pays only where they are many. */
  readonly likely: (rows: number) => number;
  /** How many workgroups to dispatch where `count` are needed. */
  readonly workgroups: (count: number) => number;
  /** The same as a grid, for `count` items, `perGroup` to a workgroup. */
  readonly grid: (count: number, perGroup: number) => [number, number];
}

const ALL: RowsInterface = {
  code: allCode,
  bindings: {},
  likely: (rows) => rows,
  workgroups: (count) => count,
  grid,
};
/** RUNS of active_rows.wgsl. */
const RUNS = 16;

/**
 * What a kernel of `rows` rows takes from its option.
 *
 * @throws {ShapeError} if its shape or type does not fit.
 */
export function activeRows(
  active: Tensor | undefined,
  rows: number,
): RowsInterface {
  if (active === undefined) return ALL;
  expectTensor("active", active, "u32", [1 + rows]);
  const workgroups = (count: number) => Math.ceil(count / RUNS) * RUNS;
  return {
    code: activeCode,
    bindings: { active_rows: active },
    // Of 512 responses of mean length 11, at most 48, that is how many are left in the mean (11 / 48).
    likely: (rows) => rows / 4,
    workgroups,
    grid: (count, perGroup) => grid(workgroups(Math.ceil(count / perGroup)), 1),
  };
}
