/** Logs that are refused are called what they are. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { diagnose } from "../../../analysis/diagnosis.ts";
import { pairs } from "../../../analysis/pairs.ts";
import { readRun, readRuns } from "../../../analysis/readers/read_run.ts";
import { withFolder } from "../../support.ts";

const TABLE = `step,entropy,accuracy\n${
  Array.from({ length: 8 }, (_, i) => `${i},${1 - i / 20},${0.3 + i / 30}`).join("\n")
}\n`;

Deno.test("text of UTF-16 and long tables are named as such", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.csv");
    const codes = Uint16Array.from(`\ufeff${TABLE}`, (character) => character.charCodeAt(0));
    for (const units of [codes, codes.subarray(1)]) {
      await Deno.writeFile(path, new Uint8Array(units.slice().buffer));
      await assert.rejects(readRun(path), /log\.csv is UTF-16 text, expected UTF-8/);
    }
    await Deno.writeTextFile(
      path,
      "step,metric,value\n0,entropy,1\n0,accuracy,0.5\n1,entropy,0.9\n",
    );
    await assert.rejects(
      readRun(path),
      /long table, .* df\.pivot_table\(index="step", columns="metric", values="value"\)/,
    );
  }));

Deno.test("a log that was gzipped twice is called so", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.csv.gz");
    await Deno.writeFile(path, gzipSync(gzipSync(TABLE)));
    await assert.rejects(
      readRun(path),
      (error: Error) =>
        error.message ===
          `${path} was gzipped twice, expected once; gunzip -c makes a file of it that can be read.`,
    );
  }));

Deno.test("values of JSON that are no log, and a table without rows, are called what they are", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log");
    for (
      const [text, what] of [
        ["null", "is JSON that holds nothing (null)"],
        ["3\n", "is a single number, 3"],
        ["true", "is a single value of JSON, true"],
        ['"abc"\n', "is a single text of JSON"],
        ["[]", "is an empty JSON list"],
        [
          "step,entropy,accuracy\n",
          "is a table without rows, with the columns step, entropy, accuracy",
        ],
      ]
    ) {
      await Deno.writeTextFile(path, text!);
      await assert.rejects(
        readRun(path),
        (error: Error) => error.message === `${path} ${what}, expected a training log.`,
      );
    }
  }));

Deno.test("one key is not the entropy and the score, and a run that has neither is named", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.csv");
    await Deno.writeTextFile(path, TABLE);
    await assert.rejects(
      readRun(path, { scoreKey: "entropy" }),
      /entropy is taken for the entropy and for the score, expected two keys/,
    );
    const rows = TABLE.trimEnd().split("\n");
    await Deno.writeTextFile(
      path,
      [`run,${rows[0]}`, ...rows.slice(1).map((row) => `a,${row}`), "b,0,,", "b,1,,"].join("\n") +
        "\n",
    );
    const runs = await readRuns(path);
    assert.throws(() => pairs(runs[1]!), /log\.csv \(run b\) has neither/);
  }));

Deno.test("what was noted when a log was read is a finding", () =>
  withFolder(async (folder) => {
    const path = join(folder, "log.csv");
    await Deno.writeTextFile(path, TABLE + "0,1,0.3\n");
    const run = await readRun(path);
    const { findings } = diagnose({ ...run, notes: ["1 step was logged again."] });
    assert.match(
      findings.find(({ topic }) => topic === "reading")!.finding,
      /^1 step was logged again\./,
    );
  }));
