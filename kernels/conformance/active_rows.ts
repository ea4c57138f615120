import type { Gpu } from "../runtime/gpu.ts";
import type { Recorder } from "../runtime/recorder.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { emptyTokenStatistics } from "../softmax/token_statistics.ts";
import { listActiveRows } from "../transformer/active_rows.ts";
import { listActiveRowsReference } from "../transformer/active_rows_reference.ts";
import { attentionDecode } from "../transformer/attention.ts";
import { embedding } from "../transformer/embedding.ts";
import { writeCache } from "../transformer/key_value_cache.ts";
import { matmul } from "../transformer/matmul.ts";
import { rmsNorm } from "../transformer/rms_norm.ts";
import { rope } from "../transformer/rope.ts";
import { ropeTable } from "../transformer/rope_table.ts";
import { sampleTokens } from "../transformer/sampling.ts";
import { swiglu } from "../transformer/swiglu.ts";
import type { Check, Tally } from "./check.ts";
import { RandomData } from "./random_data.ts";

type Numbers = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** What a kernel reads or changes, row after row. */
interface Operand {
  /** Before the kernel, [N, …]. */
  readonly start: Numbers;
  /** Of a row. */
  readonly shape: readonly number[];
  /** Whether its rows stand in the slots of the active ones. */
  readonly bySlots: boolean;
}

/** A kernel of N rows with operands by name; what it reads besides is made for all rows. */
interface RowKernel {
  readonly label: string;
  readonly operands: Readonly<Record<string, Operand>>;
  readonly record: (
    recorder: Recorder,
    operands: Readonly<Record<string, Tensor>>,
    active: Tensor | undefined,
  ) => void;
}

/** Which of so many rows have ended. */
const BATCHES: readonly (readonly [number, (row: number) => boolean])[] = [
  [1, () => false],
  [5, (row) => row === 2],
  [70, () => false],
  [70, (row) => row % 3 !== 1],
  [70, (row) => row < 69],
  [70, () => true],
  [301, (row) => row % 7 === 0],
];

/**
 * The list of active rows against its reference, and every kernel with the option against itself without: the same
 * bits for the rows that are listed, and nothing else is written.
 */
export const activeRowsCheck: Check = {
  name: "active-rows",
  async run(gpu, tally) {
    const random = new RandomData(31);
    for (const [rows, hasEnded] of BATCHES) {
      const ended = Uint32Array.from({ length: rows }, (_, row) => hasEnded(row) ? 5 : 0);
      using done = gpu.tensor(ended);
      using active = gpu.zeros([1 + rows], "u32");
      const recorder = gpu.record("active rows");
      listActiveRows(recorder, { done, out: active });
      const [listed] = await recorder.read(active);
      const expected = listActiveRowsReference(ended);
      tally.same(`the list of ${rows}`, listed.subarray(0, expected.length), expected);
      const listedRows = expected.slice(1);
      for (const kernel of kernels(random, ended)) {
        await compare(gpu, tally, { kernel, rows, active, listed: listedRows });
      }
    }
  },
};

interface Batch {
  readonly kernel: RowKernel;
  readonly rows: number;
  readonly active: Tensor;
  readonly listed: readonly number[];
}

async function compare(
  gpu: Gpu,
  tally: Tally,
  { kernel, rows, active, listed }: Batch,
): Promise<void> {
  const names = Object.keys(kernel.operands);
  const run = async (values: readonly Numbers[], active: Tensor | undefined) => {
    const tensors = values.map((array, i) =>
      gpu.tensor(array, [rows, ...kernel.operands[names[i]!]!.shape])
    );
    const recorder = gpu.record(kernel.label);
    const byName = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
    kernel.record(recorder, byName, active);
    const read = await recorder.read(...tensors);
    for (const tensor of tensors) tensor.destroy();
    return read;
  };
  const operands = Object.values(kernel.operands);
  const starts = operands.map(({ start }) => start);
  const plain = await run(
    operands.map(({ start, bySlots }) => bySlots ? moved(start, rows, listed) : start),
    undefined,
  );
  const actual = await run(starts, active);
  for (const [i, { start, bySlots }] of operands.entries()) {
    const width = start.length / rows;
    const expected = start.slice();
    for (const [slot, row] of listed.entries()) {
      const to = bySlots ? slot : row;
      expected.set(plain[i]!.subarray(row * width, (row + 1) * width), to * width);
    }
    const label = `${names[i]} of ${kernel.label}, ${listed.length} of ${rows} rows`;
    // By the bits.
    tally.same(label, wordsOf(actual[i]!), wordsOf(expected));
  }
}

/** Every kernel with the option; what stands in slots beyond the active ones is read by none. */
function kernels(random: RandomData, ended: Uint32Array<ArrayBuffer>): RowKernel[] {
  const rows = ended.length;
  const floats = (bySlots: boolean, ...shape: number[]): Operand => {
    const start = random.normal(rows * shape.reduce((product, length) => product * length, 1));
    return { start, shape, bySlots };
  };
  const words = (start: Uint32Array<ArrayBuffer>): Operand => ({
    start,
    shape: [],
    bySlots: false,
  });
  const tokens = random.integers(rows, 40);
  const firsts = random.integers(rows, 3);
  const spans = Uint32Array.from({ length: 2 * rows }, (_, i) => {
    const first = firsts[i >> 1]!;
    return i % 2 === 0 ? first : first + 1 + i % 5;
  });
  const columns = [[20, 12], [7, 5], [520, 4]].map(([inner, outer]): RowKernel => {
    const [weight, bias] = [random.normal(outer! * inner!), random.normal(outer!)];
    return {
      label: `matmul, ${inner} to ${outer} columns`,
      operands: { x: floats(true, inner!), out: floats(true, outer!) },
      record(recorder, { x, out }, active) {
        using b = recorder.gpu.tensor(weight, [outer!, inner!]);
        using added = recorder.gpu.tensor(bias);
        matmul(recorder, { a: x!, b, bias: added, transposeB: true, active, out: out! });
      },
    };
  });
  const table = random.normal(40 * 6);
  const weight = random.normal(20);
  return [
    ...columns,
    {
      label: "embedding",
      operands: { tokens: words(tokens), out: floats(true, 6) },
      record(recorder, { tokens, out }, active) {
        using ofTokens = recorder.gpu.tensor(table, [40, 6]);
        embedding(recorder, { tokens: tokens!, table: ofTokens, active, out: out! });
      },
    },
    {
      label: "RMS norm",
      operands: {
        x: floats(true, 20),
        before: floats(true, 20),
        after: floats(true, 20),
        normalized: floats(true, 20),
        inverseRms: floats(true),
      },
      record(recorder, { x, before, after, normalized, inverseRms }, active) {
        using ofColumns = recorder.gpu.tensor(weight);
        const out = { normalized: normalized!, inverseRms: inverseRms!, residual: after! };
        const options = { x: x!, residual: before!, weight: ofColumns, epsilon: 1e-6 };
        rmsNorm(recorder, { ...options, active, out });
      },
    },
    {
      label: "RoPE",
      operands: { q: floats(true, 3, 8), k: floats(true, 2, 8), positions: words(tokens) },
      record(recorder, { q, k, positions }, active) {
        using table = ropeTable(recorder.gpu, 40, { headSize: 8, theta: 100 });
        rope(recorder, { q: q!, k: k!, positions: positions!, table, step: 2, active });
      },
    },
    ...[12, 5].map((columns): RowKernel => ({
      label: `SwiGLU of ${columns} columns`,
      operands: { gateUp: floats(true, 2 * columns), out: floats(true, columns) },
      record(recorder, { gateUp, out }, active) {
        swiglu(recorder, { gateUp: gateUp!, active, out: out! });
      },
    })),
    {
      label: "writing the cache",
      operands: {
        key: floats(true, 1, 2, 4),
        value: floats(true, 1, 2, 4),
        keyCache: floats(false, 9, 2, 4),
        valueCache: floats(false, 9, 2, 4),
      },
      record(recorder, { key, value, keyCache, valueCache }, active) {
        using ofRows = recorder.gpu.tensor(spans, [rows, 2]);
        const out = { keyCache: keyCache!, valueCache: valueCache! };
        const after = { spans: ofRows, step: 1 };
        writeCache(recorder, { key: key!, value: value!, after, active, out });
      },
    },
    {
      label: "attention while decoding",
      operands: {
        q: floats(true, 4, 4),
        keyCache: floats(false, 9, 2, 4),
        valueCache: floats(false, 9, 2, 4),
        out: floats(true, 4, 4),
      },
      record(recorder, { q, keyCache, valueCache, out }, active) {
        using ofRows = recorder.gpu.tensor(spans, [rows, 2]);
        using done = recorder.gpu.tensor(ended);
        const cache = { keyCache: keyCache!, valueCache: valueCache! };
        const options = { q: q!, ...cache, spans: ofRows, step: 1, done, active };
        attentionDecode(recorder, { ...options, out: out! });
      },
    },
    ...[0, 0.7].map((temperature): RowKernel => ({
      label: `sampling at temperature ${temperature}`,
      operands: {
        logits: floats(true, 20),
        done: words(ended),
        tokens: words(tokens),
        logProb: floats(false),
        entropy: floats(false),
      },
      record(recorder, { logits, done, tokens, logProb, entropy }, active) {
        using others = emptyTokenStatistics(recorder.gpu, rows);
        const statistics = {
          ...others,
          logProb: logProb as Tensor<"f32">,
          entropy: entropy as Tensor<"f32">,
        };
        const draw = { temperature, seed: 9, stream: 2, position: 3, endToken: 4, padToken: 0 };
        const out = { tokens: tokens!, statistics };
        sampleTokens(recorder, { logits: logits!, ...draw, done: done!, active, out });
      },
    })),
  ];
}

/** Rows that stand in slots put where they belong, over what is there. */
function moved(slots: Numbers, rows: number, listed: readonly number[]): Numbers {
  const width = slots.length / rows;
  const result = slots.slice();
  for (const [slot, row] of listed.entries()) {
    result.set(slots.subarray(slot * width, (slot + 1) * width), row * width);
  }
  return result;
}

function wordsOf(values: ArrayBufferView<ArrayBuffer>): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
}
