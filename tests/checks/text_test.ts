/** What the checks say of what they found. */
import assert from "node:assert/strict";
import {
  conformanceHead,
  conformanceJson,
  conformanceRow,
  conformanceVerdict,
} from "../../checks/conformance_text.ts";
import { campaignText, findingText } from "../../checks/fuzz/finding_text.ts";
import { resultText, totalText } from "../../checks/mutants/result_text.ts";

Deno.test("conformance: a table whose columns stand below their names, and a verdict", () => {
  const result = {
    name: "softmax",
    cases: 12,
    failed: 0,
    failures: [],
    maxAbsoluteError: 1.5e-7,
    maxRelativeError: 0,
  };
  assert.equal(
    conformanceHead("a GPU"),
    "a GPU\n\nkernel                     cases  failed   absolute  relative",
  );
  assert.equal(
    conformanceRow(result),
    "softmax                       12       0     1.5e-7    0.0e+0",
  );
  const report = { adapter: "a GPU", kernels: [result, { ...result, name: "rope", failed: 2 }] };
  assert.equal(conformanceVerdict(report), "\na GPU: rope failed.");
  assert.equal(
    conformanceVerdict({ ...report, kernels: [result] }),
    "\na GPU: all kernels pass.",
  );
  const { failures: _, ...numbers } = result;
  assert.deepEqual(JSON.parse(conformanceJson(report)).kernels[0], numbers);
});

Deno.test("mutants: caught, survived and broken, and how many were not caught", () => {
  const mutant = { file: "a.ts", text: "a", replacement: "b", what: "all is wrong", tests: ["t"] };
  const failed = {
    mutant,
    seconds: 1.25,
    outcome: { kind: "failed", test: "t: it is right", message: "" },
  } as const;
  const passed = { ...failed, outcome: { kind: "passed", tests: 3 } } as const;
  assert.equal(
    resultText(failed),
    "caught      1.3 s  a.ts: all is wrong\n                     by t: it is right",
  );
  assert.equal(resultText(passed), "SURVIVED    1.3 s  a.ts: all is wrong");
  assert.equal(totalText([failed]), "1 change, all caught.");
  assert.equal(totalText([failed, passed]), "2 changes, 1 of them not caught.");
});

Deno.test("fuzz: a line for each finding, and one for all", () => {
  const finding = {
    signature: "readers: slow",
    message: "",
    target: "readers",
    entry: "table.csv",
    index: 3,
    count: 1,
    bytes: Uint8Array.of(1, 2),
  } as const;
  assert.equal(findingText(finding, "x.bin"), "readers: slow (1 input; 2 bytes, x.bin)");
  const run = { seed: 7, seconds: 1.6 };
  assert.equal(
    campaignText({ inputs: 9, findings: [finding] }, run),
    "9 inputs in 2 s (seed 7): 1 finding.",
  );
  assert.equal(
    campaignText({ inputs: 1, findings: [] }, run),
    "1 input in 2 s (seed 7): nothing was found.",
  );
});
