/** What the figures of the theory say: orders of the errors, what holds of the paper and what does not. */
import assert from "node:assert/strict";
import { drawTheory } from "../../experiments/theory.ts";

const figures = await drawTheory();
const measurements = figures.flatMap((figure) => figure.measurements);

/** Every number of the one measurement whose quantity has all these texts. */
function numbers(...texts: string[]): number[] {
  const found = measurements.filter(({ quantity }) =>
    texts.every((text) => quantity.includes(text))
  );
  assert.equal(found.length, 1, texts.join(", "));
  return Array.from(found[0]!.measured.matchAll(/-?\d+(?:\.\d+)?(?:e[+-]\d+)?/g), Number);
}

Deno.test("the error of Lemma 1 is of order 2 in one state", () => {
  for (const gradient of ["vanilla", "natural"]) {
    const [exponent, low, high, , r2] = numbers(
      "One state",
      `${gradient} gradient, Lemma 1: order`,
    );
    for (const value of [exponent, low, high]) assert(value! > 1.9 && value! < 2.1, `${value}`);
    assert(r2! > 0.999);
  }
});

Deno.test("on trees it is of order 1, and of order 2 with the change of states", () => {
  for (const gradient of ["vanilla", "natural"]) {
    const [lemma] = numbers("Trees", `${gradient} gradient, Lemma 1: order`);
    assert(lemma! > 0.9 && lemma! < 1.1, `${lemma}`);
    const [whole, low, high] = numbers("Trees", `${gradient} gradient, Lemma 1 + change`);
    for (const value of [whole, low, high]) assert(value! > 1.9 && value! < 2.1, `${value}`);
  }
});

Deno.test("Proposition 1 holds with +η and exact advantages, not with a sampled baseline", () => {
  assert(numbers("vanilla gradient from π·A")[0]! < 1e-14);
  assert.deepEqual(numbers("expected reward rises"), [100, 0]);
  assert(numbers("sampled rewards", "relative error")[0]! > 5);
  assert(numbers("sampled rewards", "sign is wrong")[0]! > 0);
});

Deno.test("the natural gradient is A but for a constant, so its covariance is A's", () => {
  const [distance, , , beside] = numbers("F⁺·∇J differs from A");
  assert(distance! > 0.1 && beside! < 1e-8);
  assert(numbers("from Cov(log π, A)")[0]! < 1e-11);
});

Deno.test("first order breaks: 10 % off before 100 %, and signs are lost with the size of the step", () => {
  for (const gradient of ["vanilla", "natural"]) {
    const off = (bound: string) => numbers(`${gradient} gradient`, `off by ${bound}`)[0]!;
    // The first number is the step.
    assert(off("10 %") < off("100 %"));
    const [small, , large] = numbers(`${gradient} gradient`, "sign of ΔH right at steps").slice(
      0,
      3,
    );
    assert(small! > 95 && large! < 70);
  }
});

Deno.test("the error in percent of ΔH grows beyond all bounds, for ΔH has some", () => {
  const { spec } = figures.find(({ id }) => id === "theory_break")!;
  const [{ layer: [{ data }] }] = (spec as unknown as Panels).vconcat;
  for (const series of ["vanilla gradient", "natural gradient"]) {
    const errors = data.values.filter((row) => row.series === series).map(({ error }) => error);
    assert(errors.at(0)! < 1 && errors.at(-1)! > 150, `${errors.at(0)}, ${errors.at(-1)}`);
  }
});

interface Panels {
  vconcat: [{ layer: [{ data: { values: { series: string; error: number }[] } }] }];
}

Deno.test("whole responses as actions leave nothing out", () => {
  assert(numbers("whole responses as actions")[0]! < 1e-13);
});

Deno.test("the theory is the same every time", async () => {
  assert.deepEqual(await drawTheory(), figures);
});
