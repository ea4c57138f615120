/** Numbers that are NaN or Inf are named, whatever they are of. */
import assert from "node:assert/strict";
import { LabError } from "../../../experiments/lab/errors.ts";
import {
  expectFinite,
  expectValidLogits,
  expectValidParts,
} from "../../../experiments/lab/finite.ts";

Deno.test("the first number that is not finite is told, and finite ones are let through", () => {
  expectFinite("actor/entropy", [0, -1.5, Number.MAX_VALUE]);
  for (const wrong of [NaN, Infinity, -Infinity]) {
    assert.throws(
      () => expectFinite("actor/entropy", [1, wrong, NaN]),
      new LabError(`actor/entropy holds ${wrong}, expected finite numbers.`),
    );
  }
});

Deno.test("the first token whose logits are invalid is told", () => {
  expectValidLogits("the policy", Uint32Array.of(0, 0));
  assert.throws(
    () => expectValidLogits("the policy", Uint32Array.of(3, ~41)),
    new LabError("the logits of the policy hold NaN or Inf at token 41, expected finite numbers."),
  );
  expectValidParts("the policy", Uint32Array.of(0, 0, 0, 0));
  assert.throws(
    () => expectValidParts("the policy", Uint32Array.of(0, 0, 3, ~7)),
    new LabError("the logits of the policy hold NaN or Inf at token 7, expected finite numbers."),
  );
});
