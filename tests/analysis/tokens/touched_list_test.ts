/** Lists of touched tokens: safe to show on a terminal, and known again. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  isTouchedList,
  touchedLine,
  type TouchedToken,
} from "../../../analysis/tokens/touched_list.ts";
import { withFolder } from "../../support.ts";

const TOKEN: TouchedToken = { sequence: 3, position: 7, methods: ["kl-cov"], covariance: 0.5 };

Deno.test("a touched token's line holds its text, and nothing that acts on a terminal", () => {
  const token = "\x1b[2J\x9b31m\u202etxt\u2028\ufeff";
  const line = touchedLine({ ...TOKEN, token });
  assert.match(line, /^[\x20-\x7e]+$/);
  assert.deepEqual(JSON.parse(line), { ...TOKEN, token });
});

Deno.test("a list of touched tokens is told from every other file", () =>
  withFolder(async (folder) => {
    const path = join(folder, "x.touched.jsonl");
    const lines = [
      touchedLine(TOKEN),
      touchedLine({ ...TOKEN, token: "\x9b\u2028", methods: ["kl-cov", "clip-cov"] }),
      touchedLine({ ...TOKEN, token: 12, covariance: NaN }),
    ];
    for (const own of [[], lines.slice(0, 1), lines]) {
      await Deno.writeTextFile(path, own.map((line) => `${line}\n`).join(""));
      assert(await isTouchedList(path));
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
        assert(!await isTouchedList(path), other);
      }
    }
  }));
