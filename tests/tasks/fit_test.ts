/** deno task fit, as a user calls it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertOneSentence, LOGS, runTask, testOnLogs, withFolder } from "../support.ts";
import * as write from "../analysis/readers/write_logs.ts";

/** A run that follows the law with a = 0.25, b = 0.7 but for a ripple. */
const ROWS: write.Row[] = Array.from({ length: 60 }, (_, step) => {
  const entropy = 0.6 * Math.exp(-step / 20);
  const score = 0.7 - 0.25 * Math.exp(entropy) + 0.004 * Math.sin(2 * step);
  return { step, values: { "actor/entropy": entropy, "val-core/a/acc/mean@1": score } };
});

Deno.test("fit prints a table and writes the picture into the folder it was called from", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "my run.jsonl"), write.runLog(ROWS, { seed: 1 }));
    const { code, stdout, stderr } = await runTask("fit", ["my run.jsonl"], folder);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^my run\.jsonl \(run-log, steps 0 to 59\)/);
    for (
      const row of [
        /entropy +actor\/entropy/,
        /score +val-core\/a\/acc\/mean@1 \(validation, fraction\)/,
        /pairing +same-step/,
        /pairs +60/,
        /a +0\.2\d+ +95 % interval \[/,
        /ceiling +0\.4\d+/,
        /R² +0\.99/,
        /identified +yes/,
        /prediction +from the first 15 % of the steps/,
        /best rival/,
      ]
    ) {
      assert.match(stdout, row);
    }
    assert.match(stdout, /wrote my run\.fit\.svg and my run\.fit\.png\s*$/);
    const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    assert.deepEqual(names, ["my run.fit.png", "my run.fit.svg", "my run.jsonl"]);
  }));

Deno.test("fit --json prints one object with the agreed names and nothing else on stdout", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.csv"), write.csv(ROWS));
    await Deno.writeTextFile(join(folder, "b.log"), write.verlConsole(ROWS));
    const { code, stdout, stderr } = await runTask(
      "fit",
      ["a.csv", "b.log", "--json", "--first", "36", "--out", "pictures"],
      folder,
    );
    assert.equal(code, 0, stderr);
    const { runs } = JSON.parse(stdout);
    assert.deepEqual(
      runs.map(({ source, format }: { source: string; format: string }) => [source, format]),
      [
        ["a.csv", "csv"],
        ["b.log", "verl-console"],
      ],
    );
    for (const run of runs) {
      for (
        const key of ["entropyKey", "scoreKey", "pairing", "n", "a", "b", "ceiling", "r2", "rmse"]
      ) {
        assert(key in run, `${key} is missing`);
      }
      for (const name of ["a", "b", "ceiling"]) {
        const [low, high] = run.interval[name];
        assert(low < run[name] && run[name] < high);
      }
      assert.equal(run.identified, true);
      assert.deepEqual(run.prediction.portion, { steps: 36 });
      assert.equal(run.rivals.length, 5);
    }
    assert.equal(runs[1].pairing, "next-logged");
    assert((await Deno.stat(join(folder, "pictures/runs.fit.png"))).size > 1000);
  }));

Deno.test("fit takes folders and globs, leaves out what is no log, and predicts in reverse", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "logs/deep"), { recursive: true });
    await Deno.writeTextFile(join(folder, "logs/a.jsonl"), write.verlJsonl(ROWS));
    await Deno.writeFile(
      join(folder, "logs/deep/events.out.tfevents.1700000001.host.1.0"),
      write.tensorBoard(ROWS, true),
    );
    await Deno.writeTextFile(join(folder, "logs/notes.md"), "nothing here\n");
    const found = await runTask("fit", ["logs", "--json", "--reverse", "--first", "50%"], folder);
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stderr, /^1 files in the folders hold no training log\.$/m);
    const { runs } = JSON.parse(found.stdout);
    assert.deepEqual(runs.map(({ format }: { format: string }) => format), [
      "verl-jsonl",
      "tensorboard",
    ]);
    assert.equal(runs[0].prediction.direction, "reverse");
    const globbed = await runTask("fit", ["logs/*.jsonl", "--json"], folder);
    assert.equal(JSON.parse(globbed.stdout).runs.length, 1);
  }));

Deno.test("fit names bad input in one sentence and leaves nothing behind", () =>
  withFolder(async (folder) => {
    const file = (name: string, content: string | Uint8Array) =>
      Deno.writeFile(
        join(folder, name),
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
    await file("empty.log", "");
    await file("binary", new Uint8Array([7, 0, 0, 1, 2, 3]));
    await file(
      "nan.csv",
      "step,entropy,score\n" + [1, 2, 3, 4, 5].map((step) => `${step},nan,nan\n`).join(""),
    );
    await file("other.csv", "step,loss,lr\n1,2,3\n2,2,3\n");
    await file("few.csv", write.csv(ROWS.slice(0, 3)));
    await file(
      "flat.csv",
      "step,entropy,score\n" + [1, 2, 3, 4, 5].map((step) => `${step},0.5,0.${step}\n`).join(""),
    );
    await Deno.mkdir(join(folder, "nothing"));
    const before = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    const cases: [string[], RegExp, number?][] = [
      [["none.log"], /^error: none\.log does not exist\.$/m],
      [["nothing"], /^error: no training log in nothing\.$/m],
      [["*.nope"], /^error: \*\.nope matches no file\.$/m],
      [["empty.log"], /empty\.log is empty, expected a training log\./],
      [["binary"], /binary is a binary file/],
      [
        ["nan.csv"],
        /nan\.csv has neither a policy entropy nor a score under a key known here; it has step\./,
      ],
      [
        ["nan.csv", "--entropy-key", "entropy"],
        /nan\.csv holds no finite value under "entropy" \(5 NaN/,
      ],
      [["other.csv"], /other\.csv has neither .* it has loss, lr, step\./],
      [["few.csv"], /few\.csv: there are 3 pairs of entropy and score, the law needs at least 4\./],
      [["flat.csv"], /flat\.csv: the entropy is 0\.5 in all 5 pairs/],
      [
        ["few.csv", "--score-key", "accuracy"],
        /few\.csv has no key "accuracy"; it has actor\/entropy/,
      ],
      [[], /name at least one log file/, 2],
      [
        ["few.csv", "--first", "120%"],
        /--first is 120%, expected a number of steps such as 36 or a share/,
        2,
      ],
      [
        ["few.csv", "--pairing", "never"],
        /--pairing is never, expected next-logged or same-step/,
        2,
      ],
      [["few.csv", "--wrong"], /Unknown option '--wrong'/, 2],
    ];
    for (const [args, expected, code] of cases) {
      assertOneSentence(await runTask("fit", args, folder), expected, code);
    }
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name).sort(), before);
  }));

Deno.test("fit goes on after a bad file, and ends with a code that says so", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "good.csv"), write.csv(ROWS));
    const { code, stdout, stderr } = await runTask(
      "fit",
      ["none.log", "good.csv", "--json"],
      folder,
    );
    assert.equal(code, 1);
    assert.match(stderr, /none\.log does not exist/);
    assert.equal(JSON.parse(stdout).runs.length, 1);
  }));

Deno.test("fit reports a folder that cannot be written to", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "good.csv"), write.csv(ROWS));
    await Deno.writeTextFile(join(folder, "taken"), "a file");
    const { code, stderr } = await runTask("fit", ["good.csv", "--out", "taken"], folder);
    assert.equal(code, 1);
    assert.match(stderr, /^error: taken\/good\.fit\.svg cannot be written: .*\.$/m);
  }));

testOnLogs("fit reads all the real logs in one call", () =>
  withFolder(async (folder) => {
    const { stdout } = await runTask("fit", [LOGS, "--json"], folder);
    const { runs } = JSON.parse(stdout);
    assert.equal(runs.length, 10);
    assert((await Deno.stat(join(folder, "runs.fit.svg"))).size > 10_000);
  }));
