/** Steps in sentences. */
import assert from "node:assert/strict";
import { stepText } from "../../analysis/step_text.ts";

Deno.test("whole steps are as they are, parts of an epoch have three digits", () => {
  const texts = [0, 130, 123456789012, 1 / 7, 20 / 7, 5.5, 0.00012345].map(stepText);
  assert.deepEqual(texts, ["0", "130", "123456789012", "0.143", "2.857", "5.5", "0.000123"]);
});
