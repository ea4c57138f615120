/** Lists of selected tokens: safe to show on a terminal, and known again. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  isSelectedList,
  selectedLine,
  type SelectedToken,
} from "../../../analysis/tokens/selected_list.ts";
import { withFolder } from "../../support.ts";

const TOKEN: SelectedToken = { sequence: 3, position: 7, methods: ["kl-cov"], covariance: 0.5 };

Deno.test("a selected token's line holds its text, and nothing that acts on a terminal", () => {
  const token = "\x1b[2J\x9b31m\u202etxt\u2028\ufeff";
  const line = selectedLine({ ...TOKEN, token });
  assert.match(line, /^[\x20-\x7e]+$/);
  assert.deepEqual(JSON.parse(line), { ...TOKEN, token });
});

Deno.test("a list of selected tokens is told from every other file", () =>
  withFolder(async (folder) => {
    const path = join(folder, "x.selected.jsonl");
    const lines = [
      selectedLine(TOKEN),
      selectedLine({ ...TOKEN, token: "\x9b\u2028", methods: ["kl-cov", "clip-cov"] }),
      selectedLine({ ...TOKEN, token: 12, covariance: NaN }),
    ];
    for (const own of [[], lines.slice(0, 1), lines]) {
      await Deno.writeTextFile(path, own.map((line) => `${line}\n`).join(""));
      assert(await isSelectedList(path));
    }
    const others = [
      "{",
      '{"sequence":3}',
      '{"sequence":"mine","position":7,"methods":["kl-cov"],"covariance":0.5}',
      '{"sequence":3,"position":7,"methods":["mine"],"covariance":0.5}',
      '{"sequence":3,"position":7,"methods":["kl-cov"],"covariance":0.5,"note":"mine"}',
      '{"sequence":3, "position":7,"methods":["kl-cov"],"covariance":0.5}',
      "my note",
    ];
    for (const other of others) {
      for (const content of [[other], [...lines, other], [other, ...lines]]) {
        await Deno.writeTextFile(path, content.join("\n"));
        assert(!await isSelectedList(path), other);
      }
    }
  }));
