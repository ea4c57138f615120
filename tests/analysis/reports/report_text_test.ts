/** What the reports of fit, cov and diagnose look like. */
import assert from "node:assert/strict";
import { alignedColumns, percent, reportText } from "../../../analysis/reports/report_text.ts";

Deno.test("a report has a head, a name before the first line of each row, and nothing that acts on a terminal", () => {
  assert.equal(
    reportText("head", [["a", "one\x1b"], ["bc", ["two", "three"]]], 4),
    "head\n  a   one\\x1b\n  bc  two\n      three\n",
  );
  const [, row] = reportText("head", [["a", "x".repeat(5000)]], 4).split("\n");
  assert(row!.length < 2100);
});

Deno.test("columns are aligned at their right, and shares are percent", () => {
  assert.deepEqual(alignedColumns([["a", "token"], ["1000", "–"]]), [
    "   a   token",
    "1000       –",
  ]);
  assert.equal(percent(0.00012345), "0.0123 %");
});
