/** Every kernel against its float64 reference and against golden cases: what `deno task conformance` runs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { goldenChecks } from "../../kernels/conformance/golden.ts";
import { CHECKS, runCheck } from "../../kernels/conformance/suite.ts";
import { Tally } from "../../kernels/conformance/check.ts";
import { requestGpu } from "../../kernels/runtime/gpu.ts";
import { readGolden } from "../../checks/read_golden.ts";
import { ROOT } from "../support.ts";

const gpu = await requestGpu();
const golden = await readGolden(join(ROOT, "tests/golden"));

for (const check of [...CHECKS, ...goldenChecks(golden)]) {
  Deno.test(`${check.name} is what its reference says`, async () => {
    const { failed, failures, cases } = await runCheck(gpu, check);
    assert(cases > 0);
    assert.equal(failed, 0, failures.join("\n"));
  });
}

Deno.test("a wrong result, a NaN, and an error of the GPU each fail their case", async () => {
  const tally = new Tally("made up");
  tally.near("off", [1, 2.5], [1, 2], 0.1);
  tally.near("NaN", [NaN], [1], 10);
  tally.near("good", [1.05], [1], 0.1);
  tally.same("length", [1], [1, 2]);
  const { cases, failed, failures, maxRelativeError } = tally.result();
  assert.deepEqual([cases, failed], [4, 3]);
  assert.match(failures[0]!, /off: element 1 is 2.5, expected 2 ± 0.1/);
  assert.equal(maxRelativeError, Infinity);
  const broken = await runCheck(gpu, {
    name: "broken",
    run(gpu) {
      const recorder = gpu.record();
      const program = gpu.program({ name: "broken", code: "fn" });
      recorder.dispatch(program, { bindings: {}, workgroups: [1] });
      return recorder.read().then(() => {});
    },
  });
  assert.equal(broken.failed, 1);
  assert.match(broken.failures[0]!, /broken\.wgsl:1:/);
});

Deno.test.afterAll(() => {
  gpu.destroy();
  assert.equal(gpu.liveBytes, 0);
});
