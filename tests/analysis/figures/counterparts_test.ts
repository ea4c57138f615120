import assert from "node:assert/strict";
import { withCounterparts } from "../../../analysis/figures/counterparts.ts";

Deno.test("a figure of the paper is followed by ours of the same id, wherever they stood", () => {
  const blocks = (...ids: string[]) =>
    withCounterparts(ids.map((id) => ({ figure: { id } })))
      .map((block) => block.map(({ figure }) => figure.id));
  assert.deepEqual(blocks("a", "a_lab", "b_lab", "c"), [["a", "a_lab"], ["b_lab"], ["c"]]);
  assert.deepEqual(blocks("a", "b", "b_lab", "a_lab"), [["a", "a_lab"], ["b", "b_lab"]]);
  assert.deepEqual(blocks("c", "a_lab", "a"), [["c"], ["a", "a_lab"]]);
});
