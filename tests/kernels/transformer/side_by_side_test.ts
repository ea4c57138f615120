/** Matrices side by side: the same numbers as the one matrix that they stand for. */
import assert from "node:assert/strict";
import { requestGpu } from "../../../kernels/runtime/gpu.ts";
import type { Tensor } from "../../../kernels/runtime/tensor.ts";
import { listActiveRows } from "../../../kernels/transformer/active_rows.ts";
import { columnSums } from "../../../kernels/transformer/column_sums.ts";
import { matmul } from "../../../kernels/transformer/matmul.ts";
import { sideBySide, sideBySideSize } from "../../../kernels/transformer/side_by_side.ts";
import { assertRefused } from "./support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

const ROWS = 70;
const INNER = 12;
/** In chunks of four, which are one product, and not. */
const WIDTHS = [[8, 4, 4], [7, 3, 5]];

/** Whole numbers, so that every sum is exact in whatever order. */
function wholes(size: number, factor: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, i) => i * factor % 7 - 3);
}

/** The one matrix that some stand for. */
async function joined(matrices: readonly Tensor<"f32">[]): Promise<Float32Array> {
  const read = await gpu.record().read(...matrices);
  return Float32Array.from(
    Array.from({ length: ROWS }, (_, row) =>
      read.flatMap((values) => {
        const width = values.length / ROWS;
        return [...values.subarray(row * width, (row + 1) * width)];
      })).flat(),
  );
}

Deno.test("a product goes into matrices side by side, all rows and those that are active", async () => {
  const ended = Uint32Array.from({ length: ROWS }, (_, row) => Number(row % 3 === 0));
  using done = gpu.tensor(ended);
  using listed = gpu.empty([1 + ROWS], "u32");
  for (const widths of WIDTHS) {
    const columns = widths.reduce((sum, width) => sum + width);
    using a = gpu.tensor(wholes(ROWS * INNER, 5), [ROWS, INNER]);
    using b = gpu.tensor(wholes(columns * INNER, 3), [columns, INNER]);
    using bias = gpu.tensor(wholes(columns, 2));
    for (const active of [undefined, listed]) {
      for (const accumulate of [false, true]) {
        using memory = gpu.zeros([sideBySideSize(ROWS, widths)]);
        using expected = gpu.zeros([ROWS, columns]);
        const out = sideBySide(memory, ROWS, widths);
        const recorder = gpu.record();
        listActiveRows(recorder, { done, out: listed });
        const options = { a, b, bias, transposeB: true, active, accumulate };
        for (let run = 0; run < 2; run++) {
          matmul(recorder, { ...options, out });
          matmul(recorder, { ...options, out: expected });
        }
        const [one] = await recorder.read(expected);
        assert.deepEqual(await joined(out), one);
      }
    }
  }
});

Deno.test("matrices side by side are multiplied and summed as one", async () => {
  for (const widths of WIDTHS) {
    const columns = widths.reduce((sum, width) => sum + width);
    using memory = gpu.zeros([sideBySideSize(ROWS, widths)]);
    const sides = sideBySide(memory, ROWS, widths);
    for (const [i, side] of sides.entries()) gpu.write(side, wholes(side.size, i + 2));
    using one = gpu.tensor(await joined(sides) as Float32Array<ArrayBuffer>, [ROWS, columns]);
    using weight = gpu.tensor(wholes(columns * INNER, 3), [columns, INNER]);
    using x = gpu.tensor(wholes(ROWS * INNER, 5), [ROWS, INNER]);
    const recorder = gpu.record();
    // The second three are not in one tensor.
    using first = gpu.tensor(await gpu.read(sides[0]!), sides[0]!.shape);
    const results = [sides, [first, ...sides.slice(1)], one].map((a) => {
      const gradX = gpu.zeros([ROWS, INNER]);
      matmul(recorder, { a, b: weight, out: gradX });
      const gradWeight = gpu.zeros([columns, INNER]);
      const sums = gpu.zeros([columns]);
      for (let run = 0; run < 2; run++) {
        matmul(recorder, { a, b: x, out: gradWeight, transposeA: true, accumulate: true });
        columnSums(recorder, { x: a, out: sums, accumulate: true });
      }
      return [gradX, gradWeight, sums];
    });
    const read = await recorder.read(...results.flat());
    assert.deepEqual(read.slice(0, 3), read.slice(6));
    assert.deepEqual(read.slice(3, 6), read.slice(6));
    for (const tensor of results.flat()) tensor.destroy();
  }
});

Deno.test("what does not go side by side is refused", () => {
  using memory = gpu.zeros([sideBySideSize(2, [4, 4, 4])]);
  using x = gpu.zeros([2, 4]);
  using weight = gpu.zeros([12, 4]);
  using active = gpu.zeros([3], "u32");
  const sides = sideBySide(memory, 2, [4, 4, 4]);
  const recorder = gpu.record();
  assertRefused(
    () => matmul(recorder, { a: x, b: weight, out: sides }),
    /out is side by side, expected b with transposeB/,
  );
  for (const more of [{ active }, { transposeB: true }]) {
    assertRefused(
      () => matmul(recorder, { a: sides, b: weight, out: x, ...more }),
      /a is side by side, expected b without transposeB, one out, and all rows active/,
    );
  }
  // Shapes are checked as those of one matrix, whichever way the product is made.
  using four = gpu.zeros([4, 4]);
  using narrow = gpu.zeros([4, 12]);
  using tall = gpu.zeros([20, 8]);
  using square = gpu.zeros([sideBySideSize(4, [4, 4, 4])]);
  const squares = sideBySide(square, 4, [4, 4, 4]);
  assertRefused(
    () => matmul(recorder, { a: narrow, b: tall, out: squares, transposeB: true }),
    /a \[4, 12\] times b \[20, 8\]ᵀ does not give out \[4, 12\]/,
  );
  assertRefused(
    () => matmul(recorder, { a: squares, b: tall, out: four }),
    /a \[4, 12\] times b \[20, 8\] does not give out \[4, 4\]/,
  );
  assertRefused(
    () => matmul(recorder, { a: squares, b: tall, out: tall, transposeA: true }),
    /a \[4, 12\]ᵀ times b \[20, 8\] does not give out \[20, 8\]/,
  );
  assertRefused(
    () => matmul(recorder, { a: [], b: weight, out: x }),
    /a is no matrices, expected one or more/,
  );
  assertRefused(
    () => columnSums(recorder, { x: sides, out: x.reshape([8]) }),
    /out has shape \[8\], expected \[12\]/,
  );
  recorder.submit();
});
