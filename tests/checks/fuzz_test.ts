/** The fuzz harness: that it sees every kind of fault, and that a seeded pass over the readers finds none. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { covarianceReport, fitLaw, pairs, readRuns, readTokens } from "../../analysis/mod.ts";
import { readCheckpoint } from "../../experiments/lab/checkpoint.ts";
import { runCampaign } from "../../checks/fuzz/campaign.ts";
import { CORPUS_FOLDER, type Entry, readCorpus, TARGETS } from "../../checks/fuzz/corpus.ts";
import { makeInput } from "../../checks/fuzz/make_input.ts";
import { shrink } from "../../checks/fuzz/shrink.ts";
import { makeTargets } from "../../checks/fuzz/targets.ts";
import { writeFinding } from "../../checks/fuzz/write_finding.ts";
import { assertOneSentence, ROOT, run, runTask, withFolder } from "../support.ts";

const corpus = readCorpus();

/** Whether an entry is an input that was a finding. */
const isFound = ({ name }: Entry) => name.startsWith("found/");

Deno.test("fuzz: a seeded pass over readers, token dumps and checkpoints finds nothing", async () => {
  await withFolder(async (folder) => {
    const { code, stdout, stderr } = await runTask("fuzz", ["--inputs", "600"], folder);
    assert.equal(stderr, "");
    assert.match(stdout, /^600 inputs in \d+ s \(seed 1\): nothing was found\.\n$/);
    assert.equal(code, 0);
    assert.deepEqual(Array.from(Deno.readDirSync(folder)), []);
  });
});

Deno.test("fuzz: what was found once is answered, or read", async () => {
  await withFolder(async (folder) => {
    const targets = makeTargets(folder, corpus);
    for (const target of TARGETS) {
      for (const entry of corpus[target].filter(isFound)) {
        await targets[target]({ entry, bytes: entry.bytes, isDeep: true });
      }
    }
  });
});

Deno.test("fuzz: mutations begin with files that are whole, and small", async () => {
  const whole = (entries: readonly Entry[]) => entries.filter((entry) => !isFound(entry));
  for (const { name } of whole(corpus.readers)) {
    for (const run of await readRuns(join(CORPUS_FOLDER, "readers", name))) {
      assert(Number.isFinite(fitLaw(pairs(run)).a), name);
      assert.equal(run.malformed.count, 0, name);
    }
  }
  for (const { name } of whole(corpus.tokens)) {
    using tokens = await readTokens(join(CORPUS_FOLDER, "tokens", name));
    assert.equal(covarianceReport(tokens).tokens, 7, name);
  }
  for (const { name } of whole(corpus.checkpoints)) {
    await readCheckpoint(join(CORPUS_FOLDER, "checkpoints", name, ".."));
  }
  const sizes = TARGETS.flatMap((target) => corpus[target].map(({ bytes }) => bytes.length));
  assert(sizes.reduce((sum, size) => sum + size, 0) < 300_000);
});

Deno.test("fuzz: the same seed gives the same inputs, another one others", () => {
  const inputs = (seed: number) =>
    Array.from({ length: 200 }, (_, i) => makeInput(corpus, TARGETS, seed, i));
  assert.deepEqual(inputs(1), inputs(1));
  const first = inputs(1);
  const same = inputs(2).filter(({ bytes }, i) => bytes.toBase64() === first[i]!.bytes.toBase64());
  assert(same.length < 10);
  // Most are damaged, and nearly all are different.
  const damaged = first.filter(({ entry, bytes }) => entry.bytes.toBase64() !== bytes.toBase64());
  assert(damaged.length > 180);
  assert(new Set(first.map(({ bytes }) => bytes.toBase64())).size > 180);
});

Deno.test("fuzz: errors, NaN, files left open or behind, slowness and memory are faults", async () => {
  await withFolder(async (folder) => {
    // In a process of its own: this one may have had more memory, and other promises.
    const { stdout, stderr } = await run(Deno.execPath(), [
      ...["run", "--quiet", "--no-prompt", "--allow-read", `--allow-write=${folder}`],
      ...[join(ROOT, "tests/checks/faulty_targets.ts"), folder],
    ]);
    assert.equal(stderr, "");
    assert.deepEqual(JSON.parse(stdout), {
      "a sound target": null,
      "a wrong type": "readers: TypeError at x is no function",
      "a NaN": "readers: the fit: a holds NaN.",
      "a rejection that nobody awaits": "readers: RangeError at late",
      "a file left open": "readers: left a handle",
      "a file left behind": "readers: left a file",
      "a slow one": "readers: slow",
      "a large one": "readers: memory",
      "a sound target again": null,
    });
  });
});

Deno.test("fuzz: a process that dies, hangs or takes all memory is a finding, and the next goes on", async () => {
  const options = {
    seed: 1,
    targets: TARGETS,
    inputs: 8,
    milliseconds: Infinity,
    processes: 1,
    hang: 2000,
    child: fileURLToPath(new URL("faulty_child.ts", import.meta.url)),
  };
  const { inputs, findings } = await runCampaign(options);
  assert.equal(inputs, 8);
  const found = findings.map(({ index, signature }) => [index, signature.replace(/^\w+: /, "")]);
  assert.deepEqual(found, [[1, "crash"], [3, "hang"], [5, "memory"]]);
  assert.match(findings[0]!.message, /ended with 70\.\nout of luck/);
  for (const { index, bytes } of findings) {
    assert.deepEqual(bytes, makeInput(corpus, TARGETS, 1, index).bytes);
  }
});

Deno.test("fuzz: an input is made small, and written with what is wrong with it", async () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
  bytes[1234] = 255;
  bytes[4321] = 254;
  const smallest = await shrink(
    bytes,
    (bytes) => Promise.resolve(bytes.includes(255) && bytes.includes(254)),
  );
  assert.deepEqual(smallest, Uint8Array.of(255, 254));
  await withFolder(async (folder) => {
    const path = await writeFinding(join(folder, "new"), 7, {
      signature: "readers: TypeError at analysis/law.ts:1",
      message: "TypeError: x is no function",
      target: "readers",
      entry: "table.csv",
      index: 12,
      count: 3,
      bytes: smallest,
    });
    assert.equal(path, join(folder, "new/finding-7-12.bin"));
    assert.deepEqual(await Deno.readFile(path), smallest);
    const text = await Deno.readTextFile(join(folder, "new/finding-7-12.txt"));
    assert.match(
      text,
      /^readers: TypeError at analysis\/law\.ts:1\n\nTypeError: x is no function\n/,
    );
    assert.match(
      text,
      /2 bytes, in the place of readers\/table\.csv .* 3 inputs .* number 12\.\n$/s,
    );
  });
});

Deno.test("fuzz: bad calls are one sentence", async () => {
  const refused = async (args: string[], message: RegExp) =>
    assertOneSentence(await runTask("fuzz", args, ROOT), message, 2);
  await refused(["--inputs", "0"], /--inputs is 0, expected a whole number from 1 to/);
  await refused(["--minutes", "soon"], /--minutes is soon, expected a positive number/);
  await refused(["--only", "logs"], /--only is logs, expected one of readers, tokens, checkpoints/);
  await refused(["more"], /more was not expected/);
});
