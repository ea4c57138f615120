/** What fit says of a run, in words, as JSON and in a picture. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { effortFor } from "../../../analysis/effort.ts";
import { overviewOf } from "../../../analysis/overview.ts";
import { FIRST_15_PERCENT } from "../../../analysis/prediction.ts";
import { readRuns } from "../../../analysis/readers/read_run.ts";
import { fitJson } from "../../../analysis/reports/fit_json.ts";
import { fitPicture } from "../../../analysis/reports/fit_picture.ts";
import { fitText } from "../../../analysis/reports/fit_text.ts";
import { fitRun, type RunFit } from "../../../analysis/run_fit.ts";
import { runHeadings } from "../../../analysis/run_label.ts";
import { withFolder } from "../../support.ts";

/** Two runs of one name in two files, of `n` steps each. */
async function fits(folder: string, n: number): Promise<RunFit[]> {
  const lines = Array.from({ length: n }, (_, step) => {
    const entropy = 0.6 * Math.exp(-step / 8);
    return `${step},${entropy},${0.7 - 0.25 * Math.exp(entropy) + 0.004 * Math.sin(2 * step)}\n`;
  });
  const found: RunFit[] = [];
  for (const name of ["a", "b"]) {
    const path = join(folder, `${name}.csv`);
    await Deno.writeTextFile(
      path,
      `Step,run - actor/entropy,run - val-core/m/acc/mean@1\n${lines.join("")}`,
    );
    const options = { portion: FIRST_15_PERCENT, reverse: false, effort: effortFor([n]) };
    for (const run of await readRuns(path)) {
      found.push(fitRun(overviewOf(run), options));
    }
  }
  return found;
}

Deno.test("identified, and why, are the same in the library, in words and in JSON", () =>
  withFolder(async (folder) => {
    const two = await fits(folder, 40);
    const { runs } = JSON.parse(fitJson(two));
    for (const [i, one] of two.entries()) {
      const { identified, identifiedBecause } = one.fit;
      assert.equal(identified, true);
      assert.equal(runs[i].identified, identified);
      assert.equal(runs[i].identifiedBecause, identifiedBecause);
      assert(fitText(one).includes(`  identified   yes: ${identifiedBecause}\n`));
    }
  }));

Deno.test("a prediction that cannot be made is told with its reason, and what is not finite is null", () =>
  withFolder(async (folder) => {
    const [one] = await fits(folder, 5);
    assert.match(
      fitText(one!),
      /prediction +not made: the first 15 % of the steps hold 1 of the 5/,
    );
    const { runs: [{ prediction, rivals }] } = JSON.parse(fitJson([one!]));
    assert.match(prediction.error, /^the first 15 % of the steps hold 1/);
    assert(rivals.length > 0);
    const infinite = { ...one!, fit: { ...one!.fit, rmse: Infinity } };
    assert.equal(JSON.parse(fitJson([infinite])).runs[0].rmse, null);
  }));

Deno.test("in the picture, runs of one name are told apart by their files", () =>
  withFolder(async (folder) => {
    const picture = JSON.stringify(fitPicture(await fits(folder, 20)));
    for (const name of ["a.csv 1", "b.csv 2", "Accuracy (%)"]) assert(picture.includes(name), name);
  }));

Deno.test("a prediction is in the picture where it was asked for, and told there", () =>
  withFolder(async (folder) => {
    const [one] = await fits(folder, 40);
    assert.doesNotMatch(JSON.stringify(fitPicture([one!])), /dotted/);
    assert.match(
      JSON.stringify(fitPicture([one!], true)),
      /dotted: the law of the first 15 % of the steps/,
    );
  }));

Deno.test("runs of one name are headed by their logs too", () =>
  withFolder(async (folder) => {
    const two = await fits(folder, 8);
    const headings = runHeadings(two.map(({ run }) => run));
    for (const [i, name] of ["a", "b"].entries()) {
      const heading = `run (${join(folder, `${name}.csv`)})`;
      assert.equal(headings[i], heading);
      assert(fitText(two[i]!, false, heading).includes(heading));
    }
  }));
