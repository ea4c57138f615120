/** The radix selection agrees with sorting. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { selectLargest } from "../../../analysis/tokens/select_largest.ts";

const double = fc.double({ noNaN: true }).map((value) => value + 0); // + 0: no −0.

Deno.test("the value of every rank, and how many are greater, are those of the sorted list", () => {
  fc.assert(
    fc.property(
      // From few values, so that there are ties; alike in their first digits.
      fc.uniqueArray(double, { minLength: 1, maxLength: 6 }).chain((values) =>
        fc.array(
          fc.oneof(fc.constantFrom(...values), fc.constantFrom(...values.map(nextUp)), double),
          { minLength: 1, maxLength: 60 },
        )
      ),
      fc.integer({ min: 1, max: 7 }),
      (values, blockLength) => {
        function* blocks() {
          for (let at = 0; at < values.length; at += blockLength) {
            yield Float64Array.from(values.slice(at, at + blockLength));
          }
        }
        const sorted = values.toSorted((left, right) => right < left ? -1 : right > left ? 1 : 0);
        const found = selectLargest(blocks, values.map((_, i) => i + 1));
        assert.deepEqual(found.map(({ value }) => value), sorted);
        assert.deepEqual(
          found.map(({ greater }) => greater),
          sorted.map((value) => sorted.indexOf(value)),
        );
      },
    ),
    { numRuns: 25, seed: 1 },
  );
});

/** The float64 whose bits are the next. */
function nextUp(value: number): number {
  const bits = new BigUint64Array(Float64Array.of(value).buffer);
  bits[0]! += 1n;
  const next = new Float64Array(bits.buffer)[0]!;
  return Number.isNaN(next) ? value : next;
}
