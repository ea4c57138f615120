/** Which entropy belongs to which score. */
import assert from "node:assert/strict";
import { pairs } from "../../analysis/pairs.ts";
import type { Run } from "../../analysis/readers/run.ts";

function makeRun(options: {
  entropy: [number, number][];
  score: [number, number][];
  framework?: Run["framework"];
  kind?: "validation" | "training";
}): Run {
  const series = (points: [number, number][]) => ({
    steps: Float64Array.from(points, ([step]) => step),
    values: Float64Array.from(points, ([, value]) => value),
  });
  const kind = options.kind ?? "validation";
  return {
    source: "run.log",
    name: "run",
    format: "verl-console",
    framework: options.framework ?? "verl",
    steps: { first: 0, last: 10 },
    entropy: {
      key: "actor/entropy",
      definition: "",
      measured: "before the update",
      foundBy: "name",
      ...series(options.entropy),
    },
    score: {
      keys: ["r"],
      label: "r",
      kind,
      unit: "fraction",
      foundBy: "name",
      ...series(options.score),
    },
    choices: {},
    notFinite: new Map(),
    unrecognised: [],
    validationKeys: [],
    series: new Map(),
    keys: new Map(),
    malformed: { count: 0, examples: [] },
    notes: [],
  };
}

const ENTROPY: [number, number][] = [[1, 0.9], [2, 0.8], [3, 0.7], [6, 0.4], [9, 0.1]];
const at = (run: Run, rule?: "next-logged" | "same-step") =>
  pairs(run, rule === undefined ? {} : { rule }).map(({ step, entropy }) => [step, entropy]);

Deno.test("verl: the first entropy after the validation, at most 2 steps later, else the same step, else none", () => {
  const run = makeRun({
    entropy: ENTROPY,
    score: [[0, 1], [2, 1], [3, 1], [4, 1], [6, 1], [9, 1], [10, 1]],
  });
  const found = pairs(run);
  assert.equal(found.rule, "next-logged");
  assert.deepEqual(at(run), [[0, 0.9], [2, 0.7], [3, 0.7], [4, 0.4], [6, 0.4], [9, 0.1]]);
  assert.equal(found.dropped, 1);
});

Deno.test("others: the same step, else the nearest earlier", () => {
  const run = makeRun({
    entropy: ENTROPY,
    score: [[0, 1], [2, 1], [5, 1], [10, 1]],
    framework: "unknown",
  });
  const found = pairs(run);
  assert.equal(found.rule, "same-step");
  assert.deepEqual(at(run), [[2, 0.8], [5, 0.7], [10, 0.1]]);
  assert.equal(found.dropped, 1);
});

Deno.test("this project's run log and training scores pair at the same step; the rule can be overridden", () => {
  const score: [number, number][] = [[1, 1], [2, 1]];
  assert.deepEqual(at(makeRun({ entropy: ENTROPY, score, framework: "entropy-lab" })), [[1, 0.9], [
    2,
    0.8,
  ]]);
  const training = makeRun({ entropy: ENTROPY, score, kind: "training" });
  assert.deepEqual(at(training), [[1, 0.9], [2, 0.8]]);
  assert.deepEqual(at(training, "next-logged"), [[1, 0.8], [2, 0.7]]);
});

Deno.test("a run without entropy or score is told with its keys", () => {
  const { entropy: _, ...run } = makeRun({ entropy: [], score: [[1, 1]] });
  const keyed: Run = {
    ...run,
    framework: "unknown",
    keys: new Map([["b", 2], ["a", 1], ["timing_s/step", 3], ["nan", 0]]),
  };
  assert.throws(
    () => pairs(keyed),
    {
      message:
        "run.log (run run) has no policy entropy under a key known here; it has a, b and 1 key of timing and throughput. If one is the entropy, name it with --entropy-key.",
    },
  );
  // A performance is no throughput, and nothing stands in place of keys that are none.
  for (
    const [keys, text] of [
      [["performance", "perf/mfu", "time"], "performance and 2 keys of timing and throughput"],
      [["timing_s/step"], "1 key of timing and throughput"],
    ] as const
  ) {
    assert.throws(
      () => pairs({ ...keyed, keys: new Map(keys.map((key) => [key, 1])) }),
      (error: Error) => error.message.includes(`; it has ${text}. If one`),
    );
  }
  const unrecognised = [{ key: "a", looksLike: "entropy" as const }];
  assert.throws(
    () => pairs({ ...keyed, unrecognised }),
    /By its name a could be the entropy: name it/,
  );
  // How the framework logs it comes before its keys, which may be very many.
  assert.throws(
    () => pairs({ ...keyed, framework: "ms-swift" }),
    /known here\. ms-swift logs entropy\/mean with --log_entropy true .*\. It has a, b/,
  );
});

Deno.test("of a message that is too long the keys are counted, and no sentence is cut", () => {
  const keys = new Map(
    Array.from({ length: 20 }, (_, i) => [`val-core/benchmark_${i}/acc/mean@1`, 4]),
  );
  const run = {
    source: "/a/folder/of/logs/run.log",
    name: "run",
    framework: "verl",
    keys,
    unrecognised: [],
    notFinite: new Map(),
    score: { steps: Float64Array.of(1), values: Float64Array.of(1) },
  } as unknown as Run;
  assert.throws(
    () => pairs(run),
    /no policy entropy .*calculate_entropy=True logs that of the update\. It has 20 other keys\. If one is the entropy, name it with --entropy-key\.$/,
  );
});
