import assert from "node:assert/strict";
import { join } from "node:path";
import type { Job, Library } from "../../tools/bench/library.ts";
import { measure } from "../../tools/bench/measure.ts";
import type { Problem } from "../../tools/bench/problem.ts";
import { readme } from "../../tools/bench/readme.ts";
import { type Report, results } from "../../tools/bench/report.ts";
import { table } from "../../tools/bench/table.ts";
import { assertOneSentence, ROOT, run, runTask, withFolder } from "../support.ts";

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
  });
  const other = Deno.build.os === "darwin" ? "dx12" : "metal";
  const none = await run(
    Deno.execPath(),
    ["run", "--quiet", "--allow-all", join(ROOT, "tools/bench.ts")],
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
  assert.match(text, /^tfjs did not run token-statistics 2×3: it crashed\.$/m);
});

Deno.test("bench: the page in results/bench is made from the reports there", async () => {
  const folder = join(ROOT, "results/bench");
  const files = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(".json")).sort();
  assert(files.length > 0);
  const reports = files.map((name): Report =>
    JSON.parse(Deno.readTextFileSync(join(folder, name)))
  );
  assert.equal(await Deno.readTextFile(join(folder, "README.md")), readme(reports));
  for (const { results } of reports) {
    assert.deepEqual(new Set(results.map(({ name }) => name)), new Set(Object.keys(UNITS)));
    for (const { name, value, peers } of results) {
      assert.deepEqual(Object.keys(peers), name === "copy" ? [] : ["jax-js", "tfjs"]);
      for (const peer of Object.values(peers)) {
        if ("reason" in peer) continue;
        assert(Math.abs(peer.ratio * peer.value / value - 1) < 1e-3, name);
      }
    }
  }
});
