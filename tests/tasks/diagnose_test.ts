/** deno task diagnose, as a user calls it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertOneSentence, LOGS, runTask, testOnLogs, withFolder } from "../support.ts";

testOnLogs(
  "diagnose prints findings with their evidence, and the same as JSON",
  () =>
    withFolder(async (folder) => {
      const log = join(LOGS, "verl-console-qwen2-7b-grpo.log");
      const page = await runTask("diagnose", [log], folder);
      assert.equal(page.code, 0, page.stderr);
      assert.match(page.stdout, /^problem entropy course: the entropy collapsed/m);
      assert.match(
        page.stdout,
        /^note    groups without signal: by an estimate from the training score/m,
      );
      const json = await runTask("diagnose", [log, "--json"], folder);
      const { runs: [{ findings }] } = JSON.parse(json.stdout);
      for (const { topic, severity, finding, evidence } of findings) {
        assert(page.stdout.includes(`${topic}: ${finding}\n        ${evidence}`));
        assert(["fine", "notice", "problem", "unknown"].includes(severity));
      }
    }),
);

Deno.test("diagnose names bad input in one sentence", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "other.csv"), "step,loss\n1,2\n");
    await Deno.writeTextFile(join(folder, "empty"), "");
    const cases: [string[], RegExp, number?][] = [
      [["none"], /^error: none does not exist\.$/m],
      [["."], /is a directory without TensorBoard event files/],
      [["empty"], /empty is empty/],
      [["other.csv"], /other\.csv has neither a policy entropy nor a score .* it has loss, step\./],
      [[], /0 files were named, expected one/, 2],
      [["a", "b"], /2 files were named, expected one/, 2],
    ];
    for (const [args, expected, code] of cases) {
      assertOneSentence(await runTask("diagnose", args, folder), expected, code);
    }
  }));

Deno.test("diagnose tells of the other runs of a file in which one has nothing to tell", () =>
  withFolder(async (folder) => {
    const lines = Array.from({ length: 8 }, (_, i) => `${i},${1 / (i + 1)},${i / 20},1`);
    await Deno.writeTextFile(
      join(folder, "runs.csv"),
      `Step,a - actor/entropy,a - val-core/m/acc/mean@1,b - actor/lr\n${lines.join("\n")}\n`,
    );
    const { code, stdout, stderr } = await runTask("diagnose", ["runs.csv"], folder);
    assert.equal(code, 1);
    assert.match(stdout, /^a \(runs\.csv\)/);
    assert.match(stderr, /^error: .* has neither a policy entropy nor a score .*\n$/);
  }));
