import assert from "node:assert/strict";
import { responseText } from "../../../experiments/lab/response_text.ts";

Deno.test("a response is shown after its prompt, and each token with its numbers", () => {
  const response = { logProb: [-0.5, -0.25], entropy: [0.05, 1.25] };
  assert.equal(
    responseText("3+4=", response, "7;"),
    "\n3+4=7;\n  token  ln π      entropy\n  7      -0.5      0.05\n  ;      -0.25     1.25",
  );
});
