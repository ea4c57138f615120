import assert from "node:assert/strict";
import { join } from "node:path";
import { modelConfig, parameterShapes } from "../../../experiments/lab/families.ts";
import { requestGpu } from "../../../kernels/runtime/gpu.ts";
import { Recorder } from "../../../kernels/runtime/recorder.ts";
import { type Job, type Library, NotInstalledError } from "../../../bench/library.ts";
import { measure } from "../../../bench/measure.ts";
import { openPeers } from "../../../bench/peers.ts";
import { openTorch, torchLibrary } from "../../../bench/peers_torch.ts";
import type { Problem } from "../../../bench/bench_problem.ts";
import { type AnyReport, readme } from "../../../bench/readme.ts";
import { type Report, results } from "../../../bench/report.ts";
import { table } from "../../../bench/table.ts";
import { jaxLibrary } from "../../../bench/train/jax_library.ts";
import { labLibrary } from "../../../bench/train/lab_library.ts";
import { torchUpdates } from "../../../bench/train/torch_library.ts";
import { forwardOperations, TRAINING_PASSES } from "../../../bench/train/operations.ts";
import {
  exponent,
  stepResult,
  tokenExponents,
  type TrainReport,
} from "../../../bench/train/train_report.ts";
import { gpuSeconds, PHASES, timeSteps } from "../../../bench/train/steps.ts";
import { trainTables } from "../../../bench/train/tables.ts";
import { trainingProblem } from "../../../bench/train/training_problem.ts";
import { assertOneSentence, ROOT, run, runTask, withFolder } from "../../support.ts";

const UNITS = {
  "copy": "GB/s",
  "token-statistics": "GB/s",
  "token-statistics-backward": "GB/s",
  "matmul-256": "GFLOP/s",
  "matmul-1024": "GFLOP/s",
  "selection": "tokens/s",
  "covariance": "tokens/s",
  "policy-loss": "tokens/s",
};

Deno.test("bench: every kernel has a rate, and all but the matrix products a share of the copy", async () => {
  const { code, stdout, stderr } = await runTask("bench", ["--json"], ROOT);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  const report: Report = JSON.parse(stdout);
  assert(report.adapter.length > 0);
  assert.deepEqual(report.versions, { deno: Deno.version.deno });
  assert.deepEqual(
    Object.fromEntries(report.results.map(({ name, unit }) => [name, unit])),
    UNITS,
  );
  for (const result of report.results) {
    const { name, size, value, shareOfRoof, peers } = result;
    assert.deepEqual(
      Object.keys(result),
      ["name", "size", "unit", "value", "shareOfRoof", "peers"],
    );
    assert(Number.isFinite(value) && value > 0, `${name} ${size}: ${value}`);
    if (name.startsWith("matmul")) assert.equal(shareOfRoof, null);
    else assert(shareOfRoof! > 0 && Number.isFinite(shareOfRoof), `${name}: ${shareOfRoof}`);
    assert.deepEqual(peers, {});
  }
  assert.equal(report.results.find(({ name }) => name === "copy")!.shareOfRoof, 1);
  const vocabularies = report.results
    .filter(({ name }) => name === "token-statistics-backward")
    .map(({ size }) => Number(size.split("×")[1]));
  assert.deepEqual(vocabularies, [64, 32_768, 151_936]);
});

Deno.test("bench: bad calls and a missing adapter are one sentence", async () => {
  await withFolder(async (folder) => {
    assertOneSentence(await runTask("bench", ["fast"], folder), /fast was not expected/, 2);
    assertOneSentence(await runTask("bench", ["--faster"], folder), /--faster/, 2);
    assertOneSentence(
      await runTask("bench", ["train", "fast"], folder),
      /fast was not expected/,
      2,
    );
  });
  const other = Deno.build.os === "darwin" ? "dx12" : "metal";
  const none = await run(
    Deno.execPath(),
    ["run", "--quiet", "--allow-all", join(ROOT, "commands/bench.ts")],
    { env: { DENO_WEBGPU_BACKEND: other } },
  );
  assertOneSentence(none, /no WebGPU adapter/);
});

/** A library whose calls take a fixed time. */
function library(
  milliseconds: { clock: number; gpu?: number },
  answer: number[],
  log: string[] = [],
): Library {
  const job: Job = {
    time: (calls) =>
      Promise.resolve({
        clock: calls * milliseconds.clock,
        gpu: milliseconds.gpu === undefined ? undefined : calls * milliseconds.gpu,
      }),
    results: () => Promise.resolve([answer]),
    destroy: () => void log.push("destroyed"),
  };
  return { adapter: "made up", prepare: () => job, destroy() {} };
}

const PROBLEM: Problem = {
  name: "token-statistics",
  size: "2×3",
  unit: "GB/s",
  amount: 3,
  bytes: 6e9,
  work: { kind: "copy", by: "command", elements: 4 },
};
const COPIES: Problem[] = [1, 2].map((amount) => ({
  ...PROBLEM,
  name: "copy",
  amount,
  bytes: amount * 1e9,
}));
const at = <T>(_: string, step: () => Promise<T>) => step();

Deno.test("bench: kernels are timed by timestamps, and by the clock where a peer runs the same", async () => {
  const kernels = library({ clock: 12, gpu: 10 }, [1, 2]);
  const [alone] = await measure([PROBLEM], kernels, new Map(), at);
  assert.equal(alone!.milliseconds, 10);
  const [beside] = await measure(
    [PROBLEM],
    kernels,
    new Map([["slow", library({ clock: 36 }, [1, 2])]]),
    at,
  );
  assert.equal(beside!.milliseconds, 12);
  assert.equal(beside!.peers.get("slow"), 36);
});

Deno.test("bench: a peer that fails or is wrong is named with its reason, and nothing is leaked", async () => {
  const log: string[] = [];
  const broken: Library = {
    ...library({ clock: 1 }, []),
    prepare: () => {
      throw new Error("shader does not compile\n  at line 3");
    },
  };
  const none: Library = { ...library({ clock: 1 }, []), prepare: () => undefined };
  const [measurement] = await measure(
    [PROBLEM],
    library({ clock: 12, gpu: 10 }, [1, 2], log),
    new Map([
      ["broken", broken],
      ["wrong", library({ clock: 1 }, [1, 2.1], log)],
      ["not a number", library({ clock: 1 }, [1, NaN], log)],
      ["short", library({ clock: 1 }, [1], log)],
      ["none", none],
    ]),
    at,
  );
  assert.deepEqual(Object.fromEntries(measurement!.peers), {
    "broken": "shader does not compile",
    "wrong": "its results differ by 5.0e-2 of the largest",
    "not a number": "its results differ by Infinity of the largest",
    "short": "its results differ by Infinity of the largest",
  });
  assert.equal(measurement!.milliseconds, 10);
  assert.equal(log.length, 4);
});

Deno.test("bench: rates, shares and ratios come from times, amounts and bytes", () => {
  const peers = new Map<string, number | string>([["jax-js", 1500], ["tfjs", "it crashed"]]);
  const measurements = [
    { problem: COPIES[0]!, milliseconds: 100, peers: new Map() },
    { problem: COPIES[1]!, milliseconds: 100, peers: new Map() },
    { problem: PROBLEM, milliseconds: 500, peers },
    { problem: { ...PROBLEM, bytes: null }, milliseconds: 500, peers: new Map() },
  ];
  const [copy, statistics, arithmetic, ...others] = results(
    measurements,
    new Map([["other", "it is not installed"]]),
  );
  assert.deepEqual(others, []);
  assert.deepEqual([copy!.value, copy!.shareOfRoof, copy!.peers], [20, 1, {}]);
  assert.deepEqual([statistics!.value, statistics!.shareOfRoof], [6, 0.6]);
  assert.deepEqual(statistics!.peers, {
    "other": { reason: "it is not installed" },
    "jax-js": { value: 2, ratio: 3 },
    "tfjs": { reason: "it crashed" },
  });
  assert.equal(arithmetic!.shareOfRoof, null);

  const text = table({
    adapter: "made up",
    versions: { "jax-js": "1.2.3", "tfjs": "4.5.6", "other": "7" },
    results: [copy!, statistics!],
  });
  assert.match(text, /^\|\s+\| size .*\| jax-js 1\.2\.3 \| tfjs 4\.5\.6 \|$/m);
  assert.match(text, /^\| token-statistics \| 2×3 +\| +6 GB\/s +\| +60 % \|.* 2 GB\/s \(×3\) \|/m);
  assert.match(text, /^tfjs did not run token-statistics: it crashed\.$/m);
  assert.doesNotMatch(text, /times as fast/);
});

/** As small as an architecture of untied embeddings and a sliding window can be. */
const TINY = {
  ...modelConfig("mistral-7b-v0.3"),
  vocab_size: 32,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 4,
  sliding_window: 3,
};

Deno.test("bench train: needed operations are those of the products, counted one by one", () => {
  // A prompt of 2 tokens and a response of 4: 5 tokens are read, with 1, 2, 3, 3, 3 in their windows.
  const [before, after] = [8 * 8 + 2 * 8 * 4, 8 * 8 + 3 * 8 * 12];
  assert.equal(
    forwardOperations(TINY, 2, 4),
    2 * 5 * before + 2 * 4 * (after + 32 * 8) + 4 * 8 * (1 + 2 + 3 + 3 + 3),
  );
  // Of the layers before the last, all is of all tokens.
  const two = { ...TINY, num_hidden_layers: 2 };
  assert.equal(
    forwardOperations(two, 2, 4) - forwardOperations(TINY, 2, 4),
    2 * 5 * (before + after) + 4 * 8 * (1 + 2 + 3 + 3 + 3),
  );
  const all = { ...TINY, sliding_window: null };
  assert.equal(forwardOperations(all, 2, 4) - forwardOperations(TINY, 2, 4), 4 * 8 * (1 + 2));
});

Deno.test("bench train: an update computes the products that are counted, and logits once more", async () => {
  const gpu = await requestGpu();
  const [rows, promptTokens, responseTokens] = [3, 2, 4];
  const problem = trainingProblem("tiny", TINY, { rows, promptTokens, responseTokens });
  const job = labLibrary(gpu).prepare(problem)!;
  let multiplied = 0;
  const { dispatch } = Recorder.prototype;
  Recorder.prototype.dispatch = function (program, given) {
    if (program.name === "matmul") {
      const { m, n, k } = given.params as Record<"m" | "n" | "k", number>;
      multiplied += 2 * m * n * k;
    }
    dispatch.call(this, program, given);
  };
  try {
    await job.results();
  } finally {
    Recorder.prototype.dispatch = dispatch;
  }
  const attention = 4 * 8 * (1 + 2 + 3 + 3 + 3);
  const needed = forwardOperations(TINY, promptTokens, responseTokens) - attention;
  const logits = 2 * responseTokens * 32 * 8;
  assert.equal(multiplied, rows * (TRAINING_PASSES * needed + logits));
  job.destroy();
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

Deno.test("bench train: the lab's steps are timed phase by phase, on responses of full length", async () => {
  using gpu = await requestGpu();
  const size = { prompts: 2, group: 4, minibatches: 2, responseTokens: 5 };
  const times = await timeSteps(gpu, TINY, size, 3);
  assert.equal(times.rollout.tokens, 2 * 4 * 5);
  // Prompts of the task have an even number of tokens, two at least.
  assert(times.training.tokens >= 2 * 4 * (2 + 5 - 1));
  assert.equal(times.training.operations, TRAINING_PASSES * times.rollout.operations);
  assert(times.rollout.seconds + times.training.seconds <= times.seconds);
  if (gpu.features.timestampQuery) {
    assert.deepEqual(Object.keys(times.phases!), [...PHASES]);
    for (const [phase, seconds] of Object.entries(times.phases!)) assert(seconds > 0, phase);
    assert(gpuSeconds(times)! < times.seconds);
  } else assert.equal(times.phases, null);
  assert.equal(gpu.liveBytes, 0);
});

/** What PyTorch is asked for beside an adapter that has no processor of its own. */
const SOFTWARE = { name: "made up", kind: "software" } as const;
const hasTorch = await openTorch(SOFTWARE).then(() => true, (error) => {
  if (error instanceof NotInstalledError) return false;
  throw error;
});

for (
  const { peer, open, ignore } of [
    { peer: "jax-js", open: jaxLibrary, ignore: false },
    { peer: "PyTorch", open: () => torchUpdates(SOFTWARE), ignore: !hasTorch },
  ]
) {
  Deno.test({
    name: `bench train: lab and ${peer} make the same update`,
    ignore,
    async fn() {
      const gpu = await requestGpu();
      const size = { rows: 3, promptTokens: 2, responseTokens: 4 };
      const problem = trainingProblem("tiny", TINY, size);
      assert.equal(problem.amount, 3 * (2 + 4 - 1));
      const libraries = [labLibrary(gpu), (await open())!];
      const results = [];
      for (const library of libraries) {
        const job = library.prepare(problem)!;
        // An update of its own does not disturb the results, which are always those of the first.
        await job.time(1);
        results.push(await job.results());
        job.destroy();
      }
      assert.equal(gpu.liveBytes, 0);
      for (const library of libraries) library.destroy();
      const [lab, other] = results;
      assert.equal(lab!.length, 1 + 2 * Object.keys(parameterShapes(TINY)).length);
      assert.equal(other!.length, lab!.length);
      for (const [i, values] of lab!.entries()) {
        const largest = Math.max(...Array.from(values, Math.abs));
        assert(largest > 0);
        for (let j = 0; j < values.length; j++) {
          assert(
            Math.abs(values[j]! - other![i]![j]!) <= 1e-4 * largest,
            `array ${i}, element ${j}`,
          );
        }
      }
    },
  });
}

Deno.test({
  name: "bench: PyTorch multiplies matrices, and takes no other work",
  ignore: !hasTorch,
  async fn() {
    const torch = (await openTorch(SOFTWARE))!;
    const [a, b] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8)];
    const job = torch.prepare({ ...PROBLEM, work: { kind: "matmul", input: { size: 2, a, b } } })!;
    assert.deepEqual(await job.results(), [Float32Array.of(19, 22, 43, 50)]);
    assert((await job.time(3)).clock > 0);
    job.destroy();
    assert.equal(torch.prepare(PROBLEM), undefined);
  },
});

Deno.test("bench: PyTorch is for software adapters, and where it is missing one sentence says how to get it", async () => {
  const nothing = () => undefined;
  assert.equal(await torchLibrary({ name: "card", kind: "hardware" }, nothing, []), undefined);
  const { missing, ...others } = await openPeers(SOFTWARE, {
    "PyTorch": { open: () => torchLibrary(SOFTWARE, nothing, ["/no/such/python3"]) },
  });
  assert.deepEqual(others, { libraries: new Map(), versions: {}, reasons: new Map() });
  const text = table({ adapter: "made up", versions: {}, missing, results: [] });
  assert.match(
    text,
    /^PyTorch is not installed: python3 does not find it \(.*apt-get install python3-torch .*\)\.$/m,
  );
});

Deno.test("bench train: rates, shares, exponents and the tables come from times", () => {
  const step = (prompts: number, seconds: number, model: "qwen2.5-7b" | "qwen2.5-0.5b") =>
    stepResult(
      { model, size: { prompts, group: 8, minibatches: 4, responseTokens: 32 }, count: 1 },
      {
        seconds,
        rollout: { seconds: seconds / 4, tokens: 256 * prompts, operations: 5e8 * seconds },
        training: { seconds: seconds / 2, tokens: 320 * prompts, operations: 2e9 * seconds },
        phases: Object.fromEntries(PHASES.map((phase) => [phase, seconds / 10])),
      },
      10,
    );
  const steps = [step(64, 4, "qwen2.5-7b"), step(16, 1, "qwen2.5-7b")];
  const { gpuShare, shares, rollout, training } = steps[0]!;
  // Six of the seven phases are on the GPU.
  assert(Math.abs(gpuShare! - 0.6) < 1e-12);
  assert(Math.abs(shares!["other"]! - 0.3) < 1e-12);
  assert.deepEqual(rollout, {
    seconds: 1,
    tokensPerSecond: 16_384,
    gflops: 2,
    shareOfMatmul: 0.2,
  });
  assert.deepEqual([training.gflops, training.tokensPerSecond], [4, 10_240]);

  assert(Math.abs(exponent([[1, 3], [2, 12], [4, 48]]) - 2) < 1e-12);
  const exponents = tokenExponents([...steps, step(1, 1, "qwen2.5-0.5b")], "qwen2.5-7b");
  assert(Math.abs(exponents.rollout - 1) < 1e-12 && Math.abs(exponents.training - 1) < 1e-12);

  const report: TrainReport = {
    adapter: "made up",
    versions: { "deno": "1", "jax-js": "2", "PyTorch": "3" },
    matmul: 10,
    processor: "made up, 2 threads",
    steps,
    shown: 1,
    study: [step(64, 3, "qwen2.5-0.5b")],
    tokens: exponents,
    parameters: { rollout: 0.8, training: 1.3 },
    updates: [
      { model: "a", size: "1×2", value: 10, peers: { "jax-js": { value: 2, ratio: 5 } } },
      { model: "b", size: "1×2", value: 10, peers: { "jax-js": { reason: "it crashed" } } },
      { model: "c", size: "1×2", value: 10, peers: { "PyTorch": { value: 25, ratio: 0.4 } } },
    ],
  };
  const text = trainTables(report);
  assert.equal(text.match(/^\| GPU busy +\| +60 % \|$/gm)?.length, 2);
  assert.match(text, /^\| +\| +qwen2\.5-0\.5b \|$/m);
  assert.match(text, /^\| rollout, GFLOP\/s +\| +2 \(20 %\) \|$/m);
  assert.match(text, /^\| backward, share of time +\| +10 % \|$/m);
  assert.match(text, /^\| qwen2\.5-7b \| +63936 \| +128 \| +1 s \| +61 µs \| +0\.955 ns \|/m);
  assert.match(text, /^Cost grows no faster than linearly in tokens: as their power 1 /m);
  assert.match(text, /^Cost grows faster than linearly in parameters: .* 0\.8 .* 1\.3 /m);
  assert.match(text, /^\| +\| sequences \| this \| +jax-js 2 \| +PyTorch 3 \|$/m);
  assert.match(text, /^\| a +\| 1×2 +\| +10 \| +2 \(×5\) \| +\|$/m);
  assert.match(text, /^PyTorch is 2\.5 times as fast on c\.$/m);
  assert.match(text, /^jax-js did not run b: it crashed\.$/m);
  const page = readme([report]);
  assert(page.startsWith("# Benchmarks\n") && page.includes(text));
  assert(page.includes("\nDeno 1 on made up, 2 threads.\n"));
});

Deno.test("bench: the page in results/bench is made from the reports there", async () => {
  const folder = join(ROOT, "results/bench");
  const files = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(".json")).sort();
  assert(files.length > 0);
  const reports = files.map((name): AnyReport =>
    JSON.parse(Deno.readTextFileSync(join(folder, name)))
  );
  assert.equal(await Deno.readTextFile(join(folder, "README.md")), readme(reports));
  const withPeers = (report: Report) => report.results.some(({ peers }) => "tfjs" in peers);
  const kernels = reports.filter((report) => "results" in report);
  assert(kernels.some(withPeers));
  for (const report of kernels) {
    const { results } = report;
    const libraries = withPeers(report) ? ["jax-js", "tfjs"] : [];
    assert.deepEqual(new Set(results.map(({ name }) => name)), new Set(Object.keys(UNITS)));
    for (const { name, value, peers } of results) {
      const { PyTorch, ...others } = peers;
      assert.deepEqual(Object.keys(others), name === "copy" ? [] : libraries);
      // Where it was installed.
      assert(PyTorch === undefined || name.startsWith("matmul"));
      for (const peer of Object.values(peers)) {
        if ("reason" in peer) continue;
        assert(Math.abs(peer.ratio * peer.value / value - 1) < 1e-3, name);
      }
    }
  }
});
