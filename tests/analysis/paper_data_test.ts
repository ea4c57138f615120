import assert from "node:assert/strict";
import { paperCurves, paperRows } from "../../analysis/paper_data.ts";
import { UserError } from "../../formats/errors.ts";

Deno.test("the paper's data is read by column names, curves in the order of their steps", () => {
  assert.deepEqual(Object.keys(paperRows("table1.csv")[0]!).slice(0, 2), [
    "group",
    "mean_covariance",
  ]);
  for (const curve of paperCurves("fig01_left.csv").values()) {
    const steps = curve.map(({ step }) => step);
    assert.deepEqual(steps, steps.toSorted((left, right) => left - right));
  }
});

Deno.test("paper data that is not there is told in a sentence", () => {
  assert.throws(
    () => paperRows("fig99.csv"),
    (error) =>
      error instanceof UserError &&
      /^results\/paper\/fig99\.csv cannot be read: /.test(error.message),
  );
});
