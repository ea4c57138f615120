/** deno task fit, as a user calls it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  assertOneSentence,
  LOGS,
  pipeToTask,
  ROOT,
  run,
  runTask,
  testOnLogs,
  withFolder,
} from "../support.ts";
import * as write from "../analysis/readers/write_logs.ts";

/** A run that follows the law with a = 0.25, b = 0.7 but for a ripple. */
const ROWS: write.Row[] = Array.from({ length: 60 }, (_, step) => {
  const entropy = 0.6 * Math.exp(-step / 20);
  const score = 0.7 - 0.25 * Math.exp(entropy) + 0.004 * Math.sin(2 * step);
  return { step, values: { "actor/entropy": entropy, "val-core/a/acc/mean@1": score } };
});

Deno.test("fit prints a table, and writes a picture only with --out, which it says", () =>
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
        /verdict +the pairs identify the law, ceiling 0\.4\d+/,
        /identified +yes/,
        /single pairs +that of step \d+ moves a most/,
        /ahead +at step 8\d \(half as many steps again\) the law says 0\.4/,
        /prediction +from the first 15 % of the steps/,
        /best rival/,
      ]
    ) {
      assert.match(stdout, row);
    }
    assert.match(stdout, /\n\na picture: --out DIR\n$/);
    const names = () => Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    assert.deepEqual(names(), ["my run.jsonl"]);
    const drawn = await runTask("fit", ["my run.jsonl", "--out", "."], folder);
    assert.equal(
      drawn.stdout,
      stdout.replace("a picture: --out DIR", "wrote my run.fit.svg and my run.fit.png"),
    );
    assert.deepEqual(names(), ["my run.fit.png", "my run.fit.svg", "my run.jsonl"]);
  }));

Deno.test({
  name: "fit and diagnose read standard input as they read a file, gzipped too",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const log = write.runLog(ROWS, { seed: 1 });
      await Deno.writeTextFile(join(folder, "a.jsonl"), log);
      await Deno.writeFile(join(folder, "b.gz"), gzipSync(log));
      for (const [task, ...out] of [["fit", "--out", "out"], ["diagnose"]] as const) {
        const file = await runTask(task, ["a.jsonl", "--json", ...out], folder);
        const { code, stdout, stderr } = await pipeToTask(
          task,
          ["-", "--json", ...out],
          "b.gz",
          folder,
        );
        assert.equal(code, 0, stderr);
        assert.equal(
          stdout.replaceAll('"standard input"', '"a.jsonl"'),
          file.stdout,
        );
      }
      const pictures = Array.from(Deno.readDirSync(join(folder, "out")), ({ name }) => name).sort();
      assert.deepEqual(pictures, ["a.fit.png", "a.fit.svg", "stdin.fit.png", "stdin.fit.svg"]);
      // Another log keeps the pictures of the first, the same one replaces its own.
      await Deno.writeTextFile(join(folder, "c"), write.runLog(ROWS.slice(2), { seed: 1 }));
      for (const [input, stem] of [["c", "stdin-2"], ["b.gz", "stdin"]] as const) {
        const { stdout } = await pipeToTask("fit", ["-", "--out", "out"], input, folder);
        assert.match(stdout, new RegExp(`wrote out/${stem}\\.fit\\.svg`));
      }
    }),
});

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
    assert.match(found.stderr, /^1 file in the folders holds no training log\.$/m);
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
    await file("object.json", '{"name":"x","version":3}');
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
        /nan\.csv has neither a policy entropy nor a score under a key known here \(entropy, score are never finite\); it has step\./,
      ],
      [
        ["nan.csv", "--entropy-key", "entropy"],
        /nan\.csv holds no finite value under "entropy" \(5 NaN/,
      ],
      [["other.csv"], /other\.csv has neither .* it has loss, lr, step\./],
      [
        ["few.csv"],
        /few\.csv: there are 3 pairs of entropy and score, the law needs at least 4\. The score is .* \(3 values\), the entropy actor\/entropy \(3 values\)/,
      ],
      [["object.json"], /object\.json is one JSON object, with "name", "version", and no list/],
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
        ["few.csv", "--first", "0.15"],
        /--first is 0\.15, which is no number of steps; a share of the run is written in percent: --first 15%\./,
        2,
      ],
      [
        ["few.csv", "--first", "2.5"],
        /--first is 2\.5, expected a whole number of steps such as 3/,
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

Deno.test("fit --first says first what is predicted and what was seen, with intervals", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.jsonl"), write.runLog(ROWS, { seed: 1 }));
    const plain = await runTask("fit", ["a.jsonl"], folder);
    const asked = await runTask("fit", ["a.jsonl", "--first", "15%"], folder);
    const [, verdict, ...rows] = asked.stdout.split("\n");
    const within = /verdict +predicted 0\.\d+ at step 59, seen 0\.\d+: within the 95 % interval \[/;
    assert.match(verdict!, within);
    assert.match(asked.stdout, /predicted ceiling 0\.\d+, 95 % interval \[.*\]; by all pairs 0\.4/);
    assert.match(rows.join("\n"), /RMSE 0\.0\d+ over the other 51 pairs/);
    assert.doesNotMatch(plain.stdout, /predicted ceiling/);
    const shared = (text: string) =>
      text.split("\n").filter((row) => !/verdict|prediction/.test(row));
    assert.deepEqual(
      shared(asked.stdout).filter((row) => shared(plain.stdout).includes(row)),
      shared(plain.stdout),
    );
  }));

Deno.test("fit --first with a part that leaves nothing to predict ends with an error", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.jsonl"), write.runLog(ROWS, { seed: 1 }));
    const { code, stdout, stderr } = await runTask("fit", ["a.jsonl", "--first", "200"], folder);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: a\.jsonl: no prediction can be made: the first 200 steps hold all 60 pairs/,
    );
    assert.match(stdout, /verdict +no prediction can be made/);
  }));

Deno.test("fit refuses entropies that no token has, and warns of a law of a training score", () =>
  withFolder(async (folder) => {
    const rows = (entropy: (i: number) => number, key: string) =>
      write.csv(Array.from({ length: 12 }, (_, i) => ({
        step: i,
        values: { entropy: entropy(i), [key]: i / 20 + 0.01 * Math.sin(3 * i) },
      })));
    await Deno.writeTextFile(join(folder, "sum.csv"), rows((i) => 310 - 30 * i, "accuracy"));
    assertOneSentence(
      await runTask("fit", ["sum.csv"], folder),
      /^error: sum\.csv: pair 0 \(step 0\) has entropy 310, expected nats per token: no more than 13\.2, .* \(so in 10 of 12 pairs\)/,
    );
    await Deno.writeTextFile(
      join(folder, "training.csv"),
      rows((i) => 1 - i / 20, "critic/score/mean"),
    );
    const { stdout } = await runTask("fit", ["training.csv"], folder);
    assert.match(stdout, /caution +R is a training score: the difficulty of the batches moves it/);
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

/** Eight steps as CSV: enough for a law. */
const SMALL = write.csv(ROWS.filter((_, i) => i % 8 === 0));

Deno.test("fit names the picture after the file, whatever its name, and stays within --out", () =>
  withFolder(async (folder) => {
    const cases: [string, string][] = [
      ['a" onmouseover="alert(1);(x.csv', 'a" onmouseover="alert(1);(x'],
      ["$&$'\n\u001b[31m\u202e.csv", "$&$'__[31m_"],
      ["...csv", "...csv"],
      [`${"字".repeat(83)}.csv`, "字".repeat(66)],
    ];
    for (const [i, [name, stem]] of cases.entries()) {
      await Deno.mkdir(join(folder, "in"), { recursive: true });
      await Deno.writeTextFile(join(folder, "in", name), SMALL);
      const { code, stdout, stderr } = await runTask(
        "fit",
        [`in/${name}`, "--out", `out/${i}`],
        folder,
      );
      assert.equal(code, 0, stderr);
      assert.equal(stderr, "");
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(stdout, /[\u001b\u202e]/);
      const made = Array.from(Deno.readDirSync(join(folder, "out", String(i))), ({ name }) => name);
      assert.deepEqual(made.sort(), [`${stem}.fit.png`, `${stem}.fit.svg`]);
      assert.equal(await Deno.readTextFile(join(folder, "in", name)), SMALL);
    }
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name).sort(), [
      "in",
      "out",
    ]);
  }));

Deno.test("fit draws 200 runs, whose names may be alike", () =>
  withFolder(async (folder) => {
    const points = ROWS.filter((_, i) => i % 12 === 0).map(({ step, values }) => [
      step,
      ...Object.values(values),
    ]);
    for (const file of ["a.csv", "b.csv"]) {
      const runs = Array.from({ length: 100 }, (_, i) => `run${i}`);
      const header = [
        "Step",
        ...runs.flatMap((name) => [
          `${name} - actor/entropy`,
          `${name} - val-core/a/acc/mean@1`,
        ]),
      ];
      const lines = points.map(([step, h, r]) => [step, ...runs.flatMap(() => [h, r])]);
      await Deno.writeTextFile(
        join(folder, file),
        [header, ...lines].map((line) => line.join(",") + "\n").join(""),
      );
    }
    const { code, stdout, stderr } = await runTask("fit", [
      "a.csv",
      "b.csv",
      "--json",
      "--out",
      ".",
    ], folder);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).runs.length, 200);
    const svg = await Deno.readTextFile(join(folder, "runs.fit.svg"));
    const labels = new Set(Array.from(svg.matchAll(/<text[^>]*>([^<]*)</g), ([, text]) => text));
    assert(labels.has("a.csv 1") && labels.has("b.csv 200"), Array.from(labels).join(" "));
    assert(labels.size >= 200);
  }));

Deno.test("fit ends in a sentence where numbers leave the range of floats or only rounding moves", () =>
  withFolder(async (folder) => {
    const file = (name: string, entropy: (i: number) => number, score: (i: number) => number) =>
      Deno.writeTextFile(
        join(folder, name),
        "step,entropy,score\n" +
          Array.from({ length: 12 }, (_, i) => `${i},${entropy(i)},${score(i)}\n`).join(""),
      );
    await file("sum.csv", (i) => 1200 - 20 * i, (i) => i / 20);
    await file("huge.csv", (i) => 1 / (i + 1), (i) => 1e308 * (1 - i / 20));
    await file("still.csv", (i) => 1e-18 * (1 + i / 100), (i) => i / 20);
    await file("steady.csv", (i) => 1 / (i + 1), (i) => 0.7 + 1e-16 * i);
    const cases: [string, RegExp][] = [
      ["sum.csv", /^error: sum\.csv: pair 0 \(step 0\) has entropy 1200, expected nats per token/],
      [
        "huge.csv",
        /^error: huge\.csv: pair 0 \(step 0\) has score 1e\+308, expected a number from -1e\+300 to 1e\+300/,
      ],
      ["still.csv", /^error: still\.csv: the entropy is between 1e-18 and/],
      ["steady.csv", /^error: steady\.csv: the score is between 0\.7 and/],
    ];
    for (const [name, expected] of cases) {
      assertOneSentence(await runTask("fit", [name], folder), expected);
      const page = await runTask("diagnose", [name], folder);
      assert.equal(page.code, 0, page.stderr);
      assert.match(page.stdout, /ceiling: can't tell from this log/);
    }
  }));

Deno.test("fit reads a folder but for what may not be read in it, and says so", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "logs/closed"), { recursive: true });
    for (const name of ["good.csv", "secret.csv", "closed/a.csv"]) {
      await Deno.writeTextFile(join(folder, "logs", name), SMALL);
    }
    const closed = [join(folder, "logs/closed"), join(folder, "logs/secret.csv")];
    const command = (script: string, ...args: string[]) =>
      run(Deno.execPath(), [
        "run",
        "--quiet",
        "--config",
        join(ROOT, "deno.json"),
        "--allow-read",
        `--deny-read=${closed.join(",")}`,
        "--allow-write",
        "--allow-env",
        join(ROOT, "commands", script),
        ...args,
      ], { cwd: folder });
    const { code, stdout, stderr } = await command("fit.ts", "logs", "--json");
    assert.equal(code, 0, stderr);
    assert.equal(
      stderr,
      "2 entries of the folders cannot be read: logs/closed, logs/secret.csv.\n",
    );
    assert.deepEqual(
      JSON.parse(stdout).runs.map(({ source }: { source: string }) => source),
      ["logs/good.csv"],
    );
    assertOneSentence(
      await command("fit.ts", "logs/closed"),
      /^error: logs\/closed cannot be read/,
    );
    assertOneSentence(await command("diagnose.ts", "logs/closed"), /^error: .*logs\/closed/);
  }));

Deno.test("fit replaces its own pictures and nothing else", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.csv"), SMALL);
    await Deno.writeTextFile(join(folder, "runs.fit.svg"), SMALL);
    const fit = (...names: string[]) => runTask("fit", [...names, "--out", "."], folder);
    assert.equal((await fit("a.csv")).code, 0);
    assert.equal((await fit("a.csv")).code, 0);
    assertOneSentence(
      await fit("a.csv", "runs.fit.svg"),
      /^error: runs\.fit\.svg is there and was not written by this command, so it is not replaced/,
    );
    assert.equal(await Deno.readTextFile(join(folder, "runs.fit.svg")), SMALL);
    const picture = join(folder, "a.fit.svg");
    const edited = (await Deno.readTextFile(picture)).replace("</svg>", "<text>mine</text></svg>");
    await Deno.writeTextFile(picture, edited);
    assertOneSentence(await fit("a.csv"), /^error: a\.fit\.svg is there and/);
    assert.equal(await Deno.readTextFile(picture), edited);
    await Deno.mkdir(join(folder, "b.fit.png"));
    await Deno.writeTextFile(join(folder, "b.csv"), SMALL);
    assertOneSentence(
      await fit("b.csv"),
      /^error: b\.fit\.png is a folder, where/,
    );
    assert(!(await Array.fromAsync(Deno.readDir(folder))).some(({ name }) => name === "b.fit.svg"));
  }));

Deno.test("keys with control characters are shown escaped, and a sentence about many keys stays short", () =>
  withFolder(async (folder) => {
    const evil = "val-core/\u001b]0;title\u0007\u009b31m\u202e/acc/mean@1";
    const rows = ROWS.map(({ step, values }) => ({
      step,
      values: { ...values, [evil]: values["val-core/a/acc/mean@1"]! },
    }));
    await Deno.writeTextFile(join(folder, "evil.jsonl"), write.verlJsonl(rows));
    // deno-lint-ignore no-control-regex
    const acts = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;
    for (
      const args of [["evil.jsonl"], ["evil.jsonl", "--json"], ["evil.jsonl", "--score-key", "x"]]
    ) {
      for (const task of ["fit", "diagnose"]) {
        const { stdout, stderr } = await runTask(task, args, folder);
        assert.doesNotMatch(stdout + stderr, acts);
        if (args.includes("--json") && task === "fit") {
          assert(JSON.parse(stdout).runs[0].validationKeys.includes(evil));
        }
      }
    }
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`key${i}`, 1]));
    await Deno.writeTextFile(
      join(folder, "many.jsonl"),
      [1, 2].map((step) => JSON.stringify({ step, ...many }) + "\n").join(""),
    );
    const outcome = await runTask("fit", ["many.jsonl"], folder);
    assertOneSentence(outcome, /^error: many\.jsonl has neither .* it has key0, .* … .*\.$/m);
    assert(outcome.stderr.length < 520);
    const call = await runTask("fit", ["evil.jsonl", `--${"y".repeat(50_000)}\u001b[31m`], folder);
    assertOneSentence(call, /^error: Unknown option/, 2);
    assert(call.stderr.length < 520);
  }));

Deno.test("the help of fit says what --out means", () =>
  withFolder(async (folder) => {
    const { stdout } = await runTask("fit", ["--help"], folder);
    assert.match(
      stdout,
      /--out DIR +the parent folder, made if missing, into which the command writes files of its own names/,
    );
  }));

testOnLogs("fit reads all the real logs in one call", () =>
  withFolder(async (folder) => {
    const { stdout } = await runTask("fit", [LOGS, "--json", "--out", "."], folder);
    const { runs } = JSON.parse(stdout);
    assert.equal(runs.length, 11);
    assert((await Deno.stat(join(folder, "runs.fit.svg"))).size > 10_000);
  }));

testOnLogs(
  "fit refuses the entropy of a sequence that a framework logs",
  () =>
    withFolder(async (folder) => {
      const path = join(LOGS, "../cases/issue-rloo-sum.jsonl");
      const keys = ["--entropy-key", "objective/entropy", "--score-key", "objective/scores"];
      assertOneSentence(
        await runTask("fit", [path, ...keys], folder),
        /pair 0 \(step 0\) has entropy 310, expected nats per token/,
      );
    }),
);

Deno.test("fit looks at --out before it reads, and no message recommends permissions", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a.csv"), SMALL);
    assertOneSentence(
      await runTask("fit", ["a.csv", "--out", "a.csv"], folder),
      /^error: --out is a\.csv, which is a file, expected a folder\.$/m,
    );
    assertOneSentence(
      await runTask("fit", ["a.csv", "--out", "/proc/x"], folder),
      /^error: --out is \/proc\/x, which lies in the system's \/proc, expected a folder/m,
    );
    assertOneSentence(
      await runTask("fit", ["a.csv", "--out", ""], folder),
      /^error: --out is "", expected the name of a folder/m,
    );
  }));
