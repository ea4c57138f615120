import assert from "node:assert/strict";
import { join } from "node:path";
import { findChromium } from "../../../checks/browser/chromium.ts";
import { ROOT, runTask, withFolder } from "../../support.ts";

interface Report {
  adapter: string;
  kernels: { name: string; cases: number; failed: number; maxAbsoluteError: number }[];
}

Deno.test("conformance: a golden case that is wrong fails, by name and exit code", async () => {
  await withFolder(async (folder) => {
    const softmax = JSON.parse(await Deno.readTextFile(join(ROOT, "tests/golden/softmax.json")));
    softmax[0].log_prob[0] += 1e-3;
    await Deno.writeTextFile(join(folder, "softmax.json"), JSON.stringify(softmax.slice(0, 1)));
    const { code, stdout, stderr } = await runTask("conformance", [folder, "--json"], folder);
    assert.equal(code, 1, stderr);
    const report: Report = JSON.parse(stdout);
    assert(report.adapter.length > 0);
    const failed = report.kernels.filter((kernel) => kernel.failed > 0);
    assert.deepEqual(failed.map(({ name, failed }) => [name, failed]), [["golden-softmax", 1]]);
    assert.match(stderr, /^error: golden-softmax: log-prob of case 0, .* ± .*\n$/);
    assert(report.kernels.length > 10);
    for (const kernel of report.kernels) {
      assert.deepEqual(
        Object.keys(kernel),
        ["name", "cases", "failed", "maxAbsoluteError", "maxRelativeError"],
      );
      assert(kernel.cases > 0 && Number.isFinite(kernel.maxAbsoluteError), kernel.name);
    }
  });
});

Deno.test("conformance: bad calls are one sentence", async () => {
  await withFolder(async (folder) => {
    const refused = async (args: string[], code: number, message: RegExp) => {
      const outcome = await runTask("conformance", args, folder);
      assert.equal(outcome.code, code, outcome.stderr);
      assert.match(outcome.stderr, message);
      assert.equal(outcome.stderr.trim().split("\n").length, 1, outcome.stderr);
      assert.equal(outcome.stdout, "");
    };
    await refused(["nowhere"], 1, /nowhere holds no golden file, expected one of softmax\.json/);
    await Deno.writeTextFile(join(folder, "softmax.json"), "[1, 2");
    await refused([folder], 1, /softmax\.json is not JSON/);
    await refused(["--adapter", "Voodoo 2"], 1, /no WebGPU adapter is named like "Voodoo 2"/);
    await refused(["a", "b"], 2, /2 folders were named/);
    await refused(["--faster"], 2, /--faster/);
  });
});

const chromium = await findChromium();

Deno.test({
  name: chromium === undefined
    ? "conformance in a browser: no Chromium on this machine"
    : "conformance in a browser: every kernel passes under another WGSL compiler",
  ignore: chromium === undefined,
  async fn() {
    const { code, stdout, stderr } = await runTask("conformance", ["--browser", "--json"], ROOT);
    assert.equal(code, 0, stderr);
    const report: Report = JSON.parse(stdout);
    assert(!/llvmpipe/.test(report.adapter), report.adapter);
    assert(report.kernels.length > 10);
    assert(report.kernels.every(({ failed, cases }) => failed === 0 && cases > 0));
  },
});
