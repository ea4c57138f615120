import type { Gpu } from "../runtime/gpu.ts";
import { sampleTokens } from "../transformer/sampling.ts";
import { sampleScoresReference } from "../transformer/sampling_reference.ts";
import type { Check, Tally } from "./check.ts";
import { RandomData } from "./random_data.ts";
import { rowsOfLogits } from "./rows_of_logits.ts";

/** Scores closer than this share of their size may change places by rounding. */
const MARGIN = 1e-5;

/** {@linkcode sampleTokens} against its reference, greedy and not, ended rows, and its frequencies. */
export const sampleTokensCheck: Check = {
  name: "sample-tokens",
  async run(gpu, tally) {
    const random = new RandomData(15);
    for (const columns of [1, 2, 3, 17, 32, 255, 257, 4099, 50257]) {
      for (const temperature of [0, 0.6, 1]) {
        await compare(gpu, tally, random, { columns, temperature });
      }
    }
    await frequencies(gpu, tally, random);
  },
};

async function compare(
  gpu: Gpu,
  tally: Tally,
  random: RandomData,
  { columns, temperature }: { readonly columns: number; readonly temperature: number },
): Promise<void> {
  const { rows, logits } = rowsOfLogits(random, columns);
  const draw = { temperature, seed: 2 ** 45 + 3, stream: 11, position: columns };
  const expected = best(sampleScoresReference({ logits, columns, ...draw }), columns);
  const ended = rows - 1;
  const end = expected.tokens[0]!;
  using logitsTensor = gpu.tensor(logits, [rows, columns]);
  using done = gpu.tensor(new Uint32Array(rows).fill(1, ended));
  using tokens = gpu.empty([rows], "u32");
  const recorder = gpu.record("sampling");
  sampleTokens(recorder, {
    logits: logitsTensor,
    done,
    ...draw,
    endToken: end,
    padToken: 77,
    out: { tokens },
  });
  const [drawn, nowDone] = await recorder.read(tokens, done);
  const label = `[${rows}, ${columns}] at temperature ${temperature}`;
  // Where a rounding may decide, ours counts.
  const clear = expected.tokens.map((token, row) => {
    if (row === ended) return 77;
    const size = Math.max(1, Math.abs(logits[row * columns + token]!) / (temperature || 1));
    return expected.margins[row]! > MARGIN * size || temperature === 0 ? token : drawn[row]!;
  });
  tally.same(`tokens of ${label}`, drawn, clear);
  const ends = Array.from(drawn, (token, row) => Number(row === ended || token === end));
  tally.same(`ended rows of ${label}`, nowDone, ends);
}

/** The token of the largest score of each row, and by how much it leads. */
function best(scores: Float64Array, columns: number): { tokens: Uint32Array; margins: number[] } {
  const rows = Array.from({ length: scores.length / columns }, (_, row) => {
    const own = scores.subarray(row * columns, (row + 1) * columns);
    const token = own.reduce((best, score, i) => score > own[best]! ? i : best, 0);
    const next = own.reduce(
      (next, score, i) => i === token ? next : Math.max(next, score),
      -Infinity,
    );
    return { token, margin: own[token]! - next };
  });
  return {
    tokens: Uint32Array.from(rows, ({ token }) => token),
    margins: rows.map(({ margin }) => margin),
  };
}

/** Many draws from one distribution come up as often as they should. */
async function frequencies(gpu: Gpu, tally: Tally, random: RandomData): Promise<void> {
  const [rows, columns] = [20_000, 9];
  const logits = random.normal(columns, 1.5);
  logits[4] = -Infinity;
  const temperature = 0.8;
  const weights = logits.map((logit) => Math.exp(logit / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const all = Float32Array.from({ length: rows * columns }, (_, i) => logits[i % columns]!);
  using logitsTensor = gpu.tensor(all, [rows, columns]);
  using done = gpu.zeros([rows], "u32");
  using tokens = gpu.empty([rows], "u32");
  const recorder = gpu.record("sampling");
  const draw = { temperature, seed: 5, stream: 0, position: 0, endToken: 99, padToken: 0 };
  sampleTokens(recorder, { logits: logitsTensor, done, ...draw, out: { tokens } });
  const [drawn] = await recorder.read(tokens);
  let chiSquare = 0;
  for (const [token, weight] of weights.entries()) {
    const count = drawn.filter((other) => other === token).length;
    if (weight === 0) tally.that("a masked token is never drawn", count === 0);
    else {
      const expected = rows * weight / total;
      chiSquare += (count - expected) ** 2 / expected;
    }
  }
  // Seven degrees of freedom: 24.3 is passed once in a thousand times.
  tally.that("tokens are drawn as often as their probability", chiSquare < 24.3, `χ² ${chiSquare}`);
}
