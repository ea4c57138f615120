import type { Gpu } from "../runtime/gpu.ts";
import { embedding, embeddingBackward } from "../transformer/embedding.ts";
import {
  embeddingBackwardReference,
  embeddingReference,
} from "../transformer/embedding_reference.ts";
import { asFloat32, type Check, type Tally } from "./check.ts";
import { RandomData } from "./random_data.ts";

/** Tokens, size of the vocabulary, columns. */
const SHAPES: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [2, 3, 4],
  [5000, 1, 3],
  [300, 7, 5],
  [1000, 16, 64],
  [64, 2, 4],
  [129, 1000, 8],
  [255, 17, 17],
  [257, 70_000, 1],
];

/** {@linkcode embedding}, which copies, and the gradient of its table; tokens outside the vocabulary. */
export const embeddingCheck: Check = {
  name: "embedding",
  async run(gpu, tally) {
    const random = new RandomData(18);
    for (const [count, vocabulary, columns] of SHAPES) {
      // Half of the tokens are the same, so that they occur very differently often.
      const tokens = random.integers(count, vocabulary)
        .map((token) => token % 2 === 0 ? 0 : token);
      await compareEmbedding(gpu, tally, embeddingCase(random, tokens, vocabulary, columns));
    }
    for (const tokens of [[2, 5, 0xffffffff, 0, 2], [9, 9], []]) {
      const unknown = embeddingCase(random, Uint32Array.from(tokens), 5, 6);
      await compareEmbedding(gpu, tally, unknown);
    }
  },
};

/** Tokens, a table, and the gradient of the result. */
export interface EmbeddingCase {
  /** The tokens. */
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** A row for each token of the vocabulary, one after the other. */
  readonly table: Float32Array<ArrayBuffer>;
  /** Gradient with respect to the result. */
  readonly gradOut: Float32Array<ArrayBuffer>;
  /** Elements of a row. */
  readonly columns: number;
}

/** A case with a random table. */
export function embeddingCase(
  random: RandomData,
  tokens: Uint32Array<ArrayBuffer>,
  vocabulary: number,
  columns: number,
): EmbeddingCase {
  const table = random.normal(vocabulary * columns);
  return { tokens, table, gradOut: random.normal(tokens.length * columns), columns };
}

/**
 * Compares {@linkcode embedding} and its gradient with their references, and returns the gradient, which
 * is added to the table itself.
 */
export async function compareEmbedding(
  gpu: Gpu,
  tally: Tally,
  c: EmbeddingCase,
): Promise<ArrayLike<number>> {
  const { columns } = c;
  const shape = [c.tokens.length, columns];
  const tableShape = [c.table.length / columns, columns];
  using tokens = gpu.tensor(c.tokens);
  using table = gpu.tensor(c.table, tableShape);
  using gradTable = gpu.tensor(c.table, tableShape);
  using out = gpu.empty(shape);
  using gradOut = gpu.tensor(c.gradOut, shape);
  const recorder = gpu.record("embedding");
  embedding(recorder, { tokens, table, out });
  embeddingBackward(recorder, { tokens, gradOut, out: gradTable });
  const [rows, gradient] = await recorder.read(out, gradTable);
  const label = `[${shape}] from a vocabulary of ${tableShape[0]}`;
  tally.same(label, rows, embeddingReference(c.tokens, c.table, columns));
  const expected = embeddingBackwardReference(c.tokens, c.gradOut, tableShape[0]!, columns)
    .map((sum, i) => sum + c.table[i]!);
  const tolerance = asFloat32(expected, plainGradient(c));
  tally.near(`gradient of ${label}`, gradient, expected, tolerance);
  return gradient;
}

/** The gradient in float32, added to the table; each sum is rounded where it is stored. */
function plainGradient({ tokens, table, gradOut, columns }: EmbeddingCase): Float32Array {
  const sums = table.slice();
  for (const [i, value] of gradOut.entries()) {
    const at = tokens[Math.floor(i / columns)]! * columns + i % columns;
    if (at < sums.length) sums[at]! += value;
  }
  return sums;
}
