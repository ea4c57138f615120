import assert from "node:assert/strict";
import { counted } from "../../formats/counted.ts";

Deno.test("one thing is counted in the singular, and any other number in the plural", () => {
  assert.deepEqual([0, 1, 2].map((count) => counted(count, "piece")), [
    "0 pieces",
    "1 piece",
    "2 pieces",
  ]);
  assert.equal(counted(1, "entry", "entries"), "1 entry");
  assert.equal(counted(3, "entry", "entries"), "3 entries");
});
