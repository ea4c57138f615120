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
      assert.match(
        page.stdout,
        /^no gain since step 5: 0\.704 there, .* best 0\.716 at step 55, 75 steps/m,
      );
      assert.match(page.stdout, /^problem plateau: no gain since step 5/m);
      assert.doesNotMatch(page.stdout, /gain that this entropy can buy/);
      assert.match(page.stdout, /one pair carries the fit: without that of step 0, a is 0\.0248/);
      assert.match(page.stdout, /^problem entropy course: the entropy collapsed/m);
      assert.match(
        page.stdout,
        /^note {4}groups without signal: by an estimate from the training score/m,
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
    await Deno.mkdir(join(folder, "folder"));
    const cases: [string[], RegExp, number?][] = [
      [["none"], /^error: none does not exist\.$/m],
      [["folder"], /^error: no training log in folder\.$/m],
      [["empty"], /empty is empty/],
      [["other.csv"], /other\.csv has neither a policy entropy nor a score .* it has loss, step\./],
      [[], /name at least one log file/, 2],
      [
        ["other.csv", "--fail-on", "trouble"],
        /--fail-on is trouble, expected problem or notice/,
        2,
      ],
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

/** A run of 40 steps whose score stops at step 8, and one that goes on by the law. */
function logOf(score: (step: number, entropy: number) => number): string {
  const lines = Array.from({ length: 40 }, (_, step) => {
    const entropy = 0.8 - 0.012 * step;
    return `${step},${entropy},${score(step, entropy) + 0.002 * Math.sin(7 * step)},0.001,${
      300 - step
    }`;
  });
  return `step,entropy,accuracy,clip_ratio,response_length/mean\n${lines.join("\n")}\n`;
}

Deno.test("diagnose of several logs writes a report in Markdown and HTML, with a picture of each", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(
      join(folder, "flat.csv"),
      logOf((step) => 0.2 + 0.05 * Math.min(step, 8)),
    );
    await Deno.writeTextFile(join(folder, "law.csv"), logOf((_, h) => 0.9 - 0.3 * Math.exp(h)));
    const diagnose = (...args: string[]) => runTask("diagnose", args, folder);
    const { code, stdout, stderr } = await diagnose("flat.csv", "law.csv", "--out", "out");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^flat\.csv\nno gain since step \d+: /);
    assert.match(stdout, /\n\nlaw\.csv\nno problem is seen; the .*; notes on /);
    assert.match(stdout, /\nwrote out\/runs\.diagnosis\.md, out\/runs\.diagnosis\.html\n$/);
    const names = Array.from(Deno.readDirSync(join(folder, "out")), ({ name }) => name).sort();
    assert.deepEqual(names, [
      "flat.diagnosis.png",
      "flat.diagnosis.svg",
      "law.diagnosis.png",
      "law.diagnosis.svg",
      "runs.diagnosis.html",
      "runs.diagnosis.md",
    ]);
    const read = (name: string) => Deno.readTextFile(join(folder, "out", name));
    const [page, text] = [await read("runs.diagnosis.html"), await read("runs.diagnosis.md")];
    assert.match(text, /^# Diagnosis of 2 runs\n/);
    assert.match(text, /!\[Course and law of flat\.csv\]\(flat\.diagnosis\.png\)/);
    assert.match(text, /\| problem \| plateau \| no gain since step/);
    assert.equal(page.match(/<svg role="img"/g)!.length, 2);
    assert.doesNotMatch(page, /<script|<link|<img| src=|href="http/);
    // Its own files are replaced, and no other.
    assert.equal((await diagnose("flat.csv", "law.csv", "--out", "out")).code, 0);
    await Deno.writeTextFile(join(folder, "out/runs.diagnosis.md"), `mine\n${text}`);
    assertOneSentence(
      await diagnose("flat.csv", "law.csv", "--out", "out"),
      /^error: out\/runs\.diagnosis\.md is there and was not written by this command/,
    );
  }));

Deno.test("diagnose --fail-on ends with 1 where there is such a finding, and says which", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(
      join(folder, "flat.csv"),
      logOf((step) => 0.2 + 0.05 * Math.min(step, 8)),
    );
    await Deno.writeTextFile(join(folder, "law.csv"), logOf((_, h) => 0.9 - 0.3 * Math.exp(h)));
    const diagnose = (...args: string[]) => runTask("diagnose", args, folder);
    const failed = await diagnose("flat.csv", "law.csv", "--fail-on", "problem");
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /^error: \d+ findings? to fail on: problem plateau of flat\.csv/m);
    assert.match(failed.stdout, /^problem plateau/m);
    assert.equal((await diagnose("law.csv", "--fail-on", "problem")).code, 0);
    const noticed = await diagnose("law.csv", "--fail-on", "notice");
    assert.equal(noticed.code, 1);
    assert.match(noticed.stderr, /notice ceiling of law\.csv/);
  }));
