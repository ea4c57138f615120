/** When a fall that may flatten is at a level, where its scatter goes on from value to value. */
import assert from "node:assert/strict";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { flattening } from "../../analysis/flattening.ts";
import { lastPart } from "../../analysis/trend.ts";

/** A fall to a floor from 0.77, with scatter of which each value keeps a share of the last one. */
function fall(
  seed: number,
  { floor, slowness, kept }: Record<"floor" | "slowness" | "kept", number>,
) {
  const next = xoroshiro128plus(seed);
  let scatter = 0;
  const steps = Float64Array.from({ length: 160 }, (_, i) => i + 1);
  const values = steps.map((step) => {
    const fresh = Math.sqrt(3) * (2 * uniformFloat64(next) - 1);
    scatter = kept * scatter + 0.004 * Math.sqrt(1 - kept ** 2) * fresh;
    return floor + (0.77 - floor) * Math.exp(-step / slowness) + scatter;
  });
  return lastPart({ steps, values }, 0.5, 8);
}

Deno.test("of a fall to a floor above the level it is hardly ever said to reach it at a step, nor the other way", () => {
  for (const kept of [0, 0.4, 0.8]) {
    let [reaches, staysAbove] = [0, 0];
    for (let seed = 1; seed <= 100; seed++) {
      const above = flattening(fall(seed, { floor: 0.083, slowness: 45, kept }), 0.077)!;
      if (Number.isFinite(above.interval[1])) reaches++;
      const below = flattening(fall(seed, { floor: 0.05, slowness: 120, kept }), 0.077)!;
      if (below.staysAbove) staysAbove++;
    }
    assert(reaches <= 10, `${kept}: ${reaches} of 100 reach it`);
    assert(staysAbove <= 10, `${kept}: ${staysAbove} of 100 stay above`);
  }
});
