import assert from "node:assert/strict";
import { fixed, withMinus } from "../../formats/minus.ts";

Deno.test("numbers for readers have a minus sign, but not in an exponent", () => {
  assert.equal(fixed(-1.25, 1), "−1.3");
  assert.equal(fixed(1.25, 2), "1.25");
  assert.equal(withMinus("-2e-7"), "−2e-7");
});
