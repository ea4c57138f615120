/** deno task cov, as a user calls it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { assertOneSentence, pipeToTask, runTask, withFolder } from "../support.ts";
import * as write from "../analysis/tokens/write_dumps.ts";
import type { Token } from "../analysis/tokens/write_dumps.ts";

/** 40 sequences of up to 100 tokens: rare tokens and advantages of both signs. */
const BATCH: Token[][] = Array.from(
  { length: 40 },
  (_, sequence) =>
    Array.from({ length: 60 + sequence }, (_, position): Token => {
      const logProb = -Math.fround(4 * Math.sin(31 * sequence + 17 * position) ** 8);
      return {
        logProb,
        advantage: sequence % 4 === 0 ? 1.5 : -0.5,
        mask: position < 10 ? 0 : 1,
        oldLogProb: Math.fround(logProb + 0.3 * Math.sin(position)),
        id: 1000 + position,
      };
    }),
);
const RESPONSES = BATCH.reduce((sum, tokens) => sum + tokens.length - 10, 0);

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

Deno.test("cov prints a table, and writes a picture and a list only with --out, which it says", () =>
  withFolder(async (folder) => {
    await Deno.writeFile(join(folder, "my dump.npz"), write.npz(write.toArrays(BATCH)));
    const args = ["my dump.npz", "--kl-cov-ratio", "0.01", "--clip-cov-ratio", "0.005"];
    const { code, stdout, stderr } = await runTask("cov", args, folder);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    assert.match(stdout, /^my dump\.npz \(npz, 40 sequences\)/);
    const kl = Math.floor(0.01 * RESPONSES);
    const clip = Math.floor(0.005 * RESPONSES);
    for (
      const row of [
        new RegExp(
          `tokens +${RESPONSES} of responses; 1180 masked \\(prompts, padding\\); 0 left out`,
        ),
        /mean ln π +-\d\.\d+ nats/,
        /covariance +mean -?[\d.e-]+, from -\d\.\d+ to \d\.\d+/,
        /Table 1 +group +tokens +mean covariance +paper \(Qwen2\.5-7B, step 1\)/,
        /top 0\.02 % +1 +\d\.\d+ +5\.654/,
        / all +\d+ +\S+ +0\.003/,
        new RegExp(`KL-Cov +paper, k = 0\\.01: .* = ${kl} asked, ${kl} selected .*, covariance ≥ `),
        new RegExp(
          `Clip-Cov +paper, r = 0\\.005: .* = ${clip} asked, ${clip} selected .* candidates`,
        ),
        /they carry .* of its positive part/,
        /PPO +clip fraction 0\.\d+ at ε = 0\.2, mean \|ln π − ln π_old\| 0\.\d+ nats/,
        /highest +covariance +sequence +position +ln π +A +token +selected by/,
      ]
    ) {
      assert.match(stdout, row);
    }
    assert.match(stdout, /\n\na picture and the list of selected tokens: --out DIR\n$/);
    assert.deepEqual(names(folder), ["my dump.npz"]);
    const written = await runTask("cov", [...args, "--out", "."], folder);
    assert.match(
      written.stdout,
      /\n\nwrote my dump\.cov\.svg, my dump\.cov\.png and my dump\.selected\.jsonl\s*$/,
    );
    assert.deepEqual(names(folder), [
      "my dump.cov.png",
      "my dump.cov.svg",
      "my dump.npz",
      "my dump.selected.jsonl",
    ]);
  }));

Deno.test("cov --json prints one object with the agreed names, the same for every format", () =>
  withFolder(async (folder) => {
    await Deno.writeFile(join(folder, "a.safetensors"), write.safetensors(write.toArrays(BATCH)));
    await Deno.writeFile(join(folder, "b.jsonl.gz"), gzipSync(write.sequenceLines(BATCH)));
    await Deno.writeFile(join(folder, "c.jsonl"), write.primeRl(BATCH));
    const results = [];
    const args = [
      ...["--json", "--definition", "verl", "--out", "o"],
      ...["--clip-cov-ratio", "0.01", "--covariance-low", "0.5"],
    ];
    for (const name of ["a.safetensors", "b.jsonl.gz", "c.jsonl"]) {
      const { code, stdout, stderr } = await runTask("cov", [name, ...args], folder);
      assert.equal(code, 0, stderr);
      results.push(JSON.parse(stdout));
    }
    assert.deepEqual(results.map(({ source, format }) => [source, format]), [
      ["a.safetensors", "safetensors"],
      ["b.jsonl.gz", "jsonl"],
      ["c.jsonl", "prime-rl"],
    ]);
    const [first, ...others] = results;
    for (const { source: _s, format: _f, padding: _p, notes: _n, ...numbers } of others) {
      for (const [name, value] of Object.entries(numbers)) assert.deepEqual(value, first[name]);
    }
    assert.equal(first.sequences, 40);
    assert.equal(first.tokens, RESPONSES);
    assert.equal(first.leftOut, 0);
    assert.equal(first.malformedLines, 0);
    for (
      const name of [
        "meanLogProb",
        "meanAdvantage",
        "meanCovariance",
        "clipFraction",
        "meanAbsoluteLogRatio",
      ]
    ) {
      assert.equal(typeof first[name], "number", name);
    }
    assert.deepEqual(first.groups.map(({ share }: { share: number }) => share), [
      0.0002,
      0.002,
      0.02,
      0.2,
      0.5,
      1,
    ]);
    const { klCov, clipCov } = first;
    assert.equal(klCov.definition, "verl");
    assert.equal(klCov.asked, Math.floor(0.002 * RESPONSES));
    assert.equal(klCov.selected, klCov.asked);
    assert.equal(klCov.share, klCov.selected / RESPONSES);
    assert.equal(typeof klCov.threshold, "number");
    assert.deepEqual(
      [clipCov.clipCovRatio, clipCov.covarianceLow, clipCov.covarianceHigh, clipCov.seed],
      [0.01, 0.5, 5, 1],
    );
    assert.equal(clipCov.selected, Math.min(clipCov.asked, clipCov.candidates));
    assert.equal(typeof clipCov.covarianceShare, "number");

    const lists = await Promise.all(
      ["a", "b", "c"].map((stem) => Deno.readTextFile(join(folder, "o", `${stem}.selected.jsonl`))),
    );
    assert.equal(lists[1], lists[0]);
    assert.equal(lists[2], lists[0]);
    const selected = lists[0]!.trim().split("\n").map((line) => JSON.parse(line));
    for (
      const [method, { selected: count }] of [["kl-cov", klCov], ["clip-cov", clipCov]] as const
    ) {
      assert.equal(selected.filter(({ methods }) => methods.includes(method)).length, count);
    }
    for (const { sequence, position, token, methods, covariance } of selected) {
      const { logProb, advantage, mask, id } = BATCH[sequence]![position]!;
      assert.equal(mask, 1);
      assert.equal(token, id);
      const expected = (logProb - first.meanLogProb) * (advantage - first.meanAdvantage);
      assert.equal(covariance, expected + 0);
      assert.equal(covariance >= klCov.threshold, methods.includes("kl-cov"));
    }
  }));

Deno.test("cov takes folders, a batch per file, and leaves out what is no dump", () =>
  withFolder(async (folder) => {
    for (const step of ["step_1", "step_2"]) {
      await Deno.mkdir(join(folder, "exports", step), { recursive: true });
      await Deno.writeFile(join(folder, "exports", step, "rank_0.jsonl"), write.primeRl(BATCH));
    }
    await Deno.writeTextFile(join(folder, "exports/notes.md"), "nothing here\n");
    const found = await runTask("cov", ["exports", "--json", "--out", "exports/out"], folder);
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stderr, /^1 file in the folders holds no tokens\.$/m);
    const lines = found.stdout.trim().split("\n").map((line) => JSON.parse(line).source);
    assert.deepEqual(lines, ["exports/step_1/rank_0.jsonl", "exports/step_2/rank_0.jsonl"]);
    assert.deepEqual(
      names(join(folder, "exports/out")),
      ["step_1", "step_2"].flatMap((step) =>
        ["cov.png", "cov.svg", "selected.jsonl"].map((end) => `exports.${step}.rank_0.jsonl.${end}`)
      ),
    );
    // Its own output is no dump.
    const again = await runTask("cov", ["exports", "--json"], folder);
    assert.match(again.stderr, /^7 files in the folders hold no tokens\.$/m);
    assert.equal(again.stdout, found.stdout);
  }));

Deno.test("cov says plainly that a batch has no signal, and what it left out", () =>
  withFolder(async (folder) => {
    const constant = BATCH.map((tokens) => tokens.map((token) => ({ ...token, advantage: 0.1 })));
    constant[0]![20]!.logProb = NaN;
    const lines = new TextDecoder().decode(write.sequenceLines(constant));
    await Deno.writeTextFile(join(folder, "flat.jsonl"), lines + '{"log_prob":[1,2],"adva');
    const { code, stdout, stderr } = await runTask("cov", ["flat.jsonl"], folder);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /note +there is no signal: every covariance is 0/);
    assert.match(stdout, /note +1 response token was left out/);
    assert.match(stdout, /malformed +1 line left out, such as line 41 \(it is no JSON object\)/);
    assert.match(stdout, /they carry nothing: the sum of all covariances is 0/);
    const json = await runTask("cov", ["flat.jsonl", "--json"], folder);
    assert.equal(JSON.parse(json.stdout).klCov.covarianceShare, null);
    assert.equal(JSON.parse(json.stdout).malformedLines, 1);
  }));

Deno.test("cov names bad input in one sentence and leaves nothing behind", () =>
  withFolder(async (folder) => {
    const file = (name: string, content: string | Uint8Array) =>
      Deno.writeFile(
        join(folder, name),
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
    await file("empty.jsonl", "");
    await file("binary", new Uint8Array([7, 0, 0, 1, 2, 3]));
    await file("names.jsonl", '{"logits":[1,2],"reward":1}\n');
    await file("nan.jsonl", '{"log_prob":[NaN,NaN],"advantages":1,"mask":[1,1]}\n');
    await file("masked.jsonl", '{"log_prob":[-1,-2],"advantages":1,"mask":[0,0]}\n');
    await file("half.jsonl", '{"log_prob":[-1,-2],"advantages":1,"mask":[1,0.5]}\n');
    await file("good.jsonl", write.sequenceLines(BATCH));
    const whole = write.safetensors(write.toArrays(BATCH));
    await file("cut.safetensors", whole.subarray(0, whole.length - 100));
    await Deno.mkdir(join(folder, "nothing"));
    const before = names(folder);
    const cases: [string[], RegExp, number?][] = [
      [["none.npz"], /^error: none\.npz does not exist\.$/m],
      [["nothing"], /^error: no token dump in nothing\.$/m],
      [["*.nope"], /^error: \*\.nope matches no file\.$/m],
      [["empty.jsonl"], /empty\.jsonl is empty, expected a token dump\./],
      [["binary"], /binary is no token dump, expected safetensors, npz or JSON lines\./],
      [
        ["names.jsonl"],
        /names\.jsonl has no column of the names log_prob, log_probs, .* and no .*advantages, advantage; it has logits, reward\./,
      ],
      [["nan.jsonl"], /nan\.jsonl: none of the 2 response tokens has a finite log-probability/],
      [["masked.jsonl"], /masked\.jsonl holds no response token: the mask is 0 for all 2 tokens\./],
      [
        ["half.jsonl"],
        /half\.jsonl: the mask is 0\.5 at sequence 0, position 1, expected 0 or 1\./,
      ],
      [
        ["cut.safetensors"],
        /cut\.safetensors is no whole safetensors file: token_ids ends at byte \d+/,
      ],
      [[], /name at least one token dump/, 2],
      [
        ["good.jsonl", "--kl-cov-ratio", "2"],
        /--kl-cov-ratio is 2, expected a share from 0 to 1\./,
        2,
      ],
      [
        ["good.jsonl", "--clip-cov-ratio", "many"],
        /--clip-cov-ratio is many, expected a number\./,
        2,
      ],
      [
        ["good.jsonl", "--covariance-low", "6"],
        /--covariance-high is 5, expected a number above --covariance-low, which is 6\./,
        2,
      ],
      [["good.jsonl", "--seed", "0.5"], /--seed is 0\.5, expected an integer from 0/, 2],
      [["good.jsonl", "--seed", "-1"], /--seed is -1, expected an integer from 0/, 2],
      [
        ["good.jsonl", "--definition", "trl"],
        /--definition is trl, expected paper or verl\./,
        2,
      ],
      [["good.jsonl", "--wrong"], /Unknown option '--wrong'/, 2],
    ];
    for (const [args, expected, code] of cases) {
      assertOneSentence(await runTask("cov", args, folder), expected, code);
    }
    assert.deepEqual(names(folder), before);
    await file("taken", "a file");
    const refused = async (args: string[], sentence: RegExp) =>
      assertOneSentence(await runTask("cov", args, folder), sentence);
    await refused(
      ["good.jsonl", "--out", "taken"],
      /^error: --out is taken, which is a file, expected a folder\.$/m,
    );
    await refused(
      ["good.jsonl", "--out", "taken/in/it"],
      /^error: --out is taken\/in\/it, and .*\/taken is a file, expected a folder\.$/m,
    );
    await Deno.mkdir(join(folder, "good.cov.png"));
    await refused(
      ["good.jsonl", "--out", "."],
      /^error: good\.cov\.png is a folder, where a file is to be/m,
    );
    assert.deepEqual(names(folder), [...before, "good.cov.png", "taken"].sort());
  }));

Deno.test({
  name: "cov reads standard input as it reads a file, of any format and gzipped",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      await Deno.writeFile(join(folder, "a.npz"), write.npz(write.toArrays(BATCH)));
      await Deno.writeFile(join(folder, "b.gz"), gzipSync(write.sequenceLines(BATCH)));
      for (const [name, path] of [["a.npz", "-"], ["b.gz", "/dev/stdin"]] as const) {
        const args = ["--json", "--out", "out"];
        const file = await runTask("cov", [name, ...args], folder);
        const piped = await pipeToTask("cov", [path, ...args], name, folder);
        assert.equal(piped.code, 0, piped.stderr);
        const expected = { ...JSON.parse(file.stdout), source: "standard input" };
        assert.deepEqual(JSON.parse(piped.stdout), expected);
        const stem = name.slice(0, 1);
        assert.equal(
          await Deno.readTextFile(join(folder, "out/stdin.selected.jsonl")),
          await Deno.readTextFile(join(folder, `out/${stem}.selected.jsonl`)),
        );
        const pictures = names(join(folder, "out")).filter((one) => one.startsWith("stdin.cov."));
        assert.deepEqual(pictures, ["stdin.cov.png", "stdin.cov.svg"]);
      }
      assertOneSentence(
        await pipeToTask("cov", ["-"], "/dev/null", folder),
        /^error: standard input is empty, expected a token dump\.$/m,
      );
    }),
});

Deno.test("cov writes inside of its folder, whatever its files are called", () =>
  withFolder(async (folder) => {
    const dump = write.sequenceLines(BATCH.slice(0, 4));
    const inputs = ["..npz", "...npz", ".jsonl", "-.npz", "$&$'\".npz", `${"n".repeat(249)}.jsonl`];
    for (const name of inputs) await Deno.writeFile(join(folder, name), dump);
    const before = names(folder);
    const args = ["--out", "a/b", "--", ...inputs];
    const { code, stderr } = await runTask("cov", args, folder);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    assert.deepEqual(names(folder), [...before, "a"].sort());
    assert.deepEqual(names(join(folder, "a")), ["b"]);
    const stems = ["..npz", "...npz", ".jsonl", "-", "$&$'\"", "n".repeat(200)];
    assert.deepEqual(
      names(join(folder, "a/b")),
      stems.flatMap((stem) => [".cov.png", ".cov.svg", ".selected.jsonl"].map((end) => stem + end))
        .sort(),
    );
  }));

Deno.test("cov replaces what it wrote before, and never what it reads", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "runs"));
    const dump = write.sequenceLines(BATCH.slice(0, 4));
    await Deno.writeFile(join(folder, "runs/x.jsonl"), dump);
    for (const name of ["runs", "runs"]) {
      const { code, stdout, stderr } = await runTask("cov", [name, "--out", "runs"], folder);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /wrote runs\/x\.cov\.svg, /);
    }
    const written = ["x.cov.png", "x.cov.svg", "x.jsonl", "x.selected.jsonl"];
    assert.deepEqual(names(join(folder, "runs")), written);
    // A dump of the same name as an output would be lost.
    await Deno.writeFile(join(folder, "runs/x.selected.jsonl"), dump);
    const sentence =
      /^error: runs\/x\.selected\.jsonl would be replaced, but it is to be read; name/m;
    for (const inputs of [["runs"], ["runs/x.jsonl", "runs/../runs/x.selected.jsonl"]]) {
      assertOneSentence(await runTask("cov", [...inputs, "--out", "runs"], folder), sentence);
    }
    assert.deepEqual(await Deno.readFile(join(folder, "runs/x.selected.jsonl")), dump);
    const own = await runTask("cov", ["x.selected.jsonl", "--out", "."], join(folder, "runs"));
    assert.equal(own.code, 0, own.stderr);
    assert.deepEqual(await Deno.readFile(join(folder, "runs/x.selected.jsonl")), dump);
  }));

Deno.test("cov replaces no file that it did not write, nor one that was changed since", () =>
  withFolder(async (folder) => {
    const place = (name: string) => join(folder, name);
    await Deno.writeFile(place("x.jsonl"), write.sequenceLines(BATCH.slice(0, 4)));
    const cov = () => runTask("cov", ["x.jsonl", "--kl-cov-ratio", "0.1", "--out", "."], folder);
    const refuses = async (output: string, content: string | Uint8Array) => {
      if (typeof content === "string") await Deno.writeTextFile(place(output), content);
      else await Deno.writeFile(place(output), content);
      const [before, bytes] = [names(folder), await Deno.readFile(place(output))];
      const outcome = await cov();
      assertOneSentence(
        outcome,
        new RegExp(
          `^error: ${
            output.replaceAll(".", "\\.")
          } is there and was not written by this command, ` +
            "so it is not replaced; name another folder with --out\\.$",
          "m",
        ),
      );
      // Refused before any work.
      assert.equal(outcome.stdout, "");
      assert.deepEqual(names(folder), before);
      assert.deepEqual(await Deno.readFile(place(output)), bytes);
      await Deno.remove(place(output));
    };
    await refuses("x.cov.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>');
    await refuses("x.cov.png", "\x89PNG");
    await refuses("x.selected.jsonl", "Dear diary,\n");

    assert.equal((await cov()).code, 0);
    const [svg, list] = await Promise.all(
      ["x.cov.svg", "x.selected.jsonl"].map((name) => Deno.readTextFile(place(name))),
    );
    await refuses("x.cov.svg", svg!.replace("</svg>", "<text>mine</text></svg>"));
    await refuses("x.selected.jsonl", `${list}my note\n`);
    const png = await Deno.readFile(place("x.cov.png"));
    png[png.length >> 1]! ^= 1;
    await refuses("x.cov.png", png);
    assert.equal((await cov()).code, 0);

    if (Deno.build.os === "windows") return;
    await Deno.rename(place("x.selected.jsonl"), place("kept"));
    await Deno.symlink("kept", place("x.selected.jsonl"));
    assertOneSentence(await cov(), /^error: x\.selected\.jsonl is there and was not written by/);
    assert.equal(await Deno.readLink(place("x.selected.jsonl")), "kept");
  }));

Deno.test("cov prints finite numbers or a sentence, however large those of a dump are", () =>
  withFolder(async (folder) => {
    const file = (name: string, line: object) =>
      Deno.writeTextFile(join(folder, name), JSON.stringify(line) + "\n");
    await file("large.jsonl", { log_prob: [1e149, -1e149, 0], advantages: [1e150, -1e150, 1] });
    await file("huge.jsonl", { log_prob: [1e200, -1e200, 0], advantages: [1e200, -1e200, 1] });
    await file("far.jsonl", {
      log_prob: [1e308, 1],
      advantages: [0, 1],
      old_log_prob: [-1e308, 1],
    });
    await file("good.jsonl", { log_prob: [-1, -2], advantages: [0, 1] });
    const { code, stdout, stderr } = await runTask(
      "cov",
      [
        ...["large.jsonl", "huge.jsonl", "far.jsonl", "good.jsonl"],
        ...["--json", "--kl-cov-ratio", "0.5", "--out", "."],
      ],
      folder,
    );
    assert.equal(code, 1);
    assert.equal(
      stderr,
      "error: huge.jsonl: the log-probabilities or advantages are so large that the covariances overflow.\n" +
        "error: far.jsonl: the log-probabilities are too far from the old ones to average the distance.\n",
    );
    assert.doesNotMatch(stdout.replaceAll('"positiveShare":null', ""), /null/);
    const sources = stdout.trim().split("\n").map((line) => JSON.parse(line).source);
    assert.deepEqual(sources, ["large.jsonl", "good.jsonl"]);
    assert(names(folder).includes("large.cov.png"));
  }));
