/** What diagnose says of a spike of the gradient norm, right before a run breaks or elsewhere. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import type { Finding } from "../../analysis/finding.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { withFolder } from "../support.ts";
import { verlConsole } from "./readers/write_logs.ts";

const wave = (step: number) => Math.sin(1.7 * step);

/** A run whose gradient norm has spikes, and whose entropy and score break at a step where one is given. */
async function findings(
  { spikes, broken = Infinity, lost = false }: {
    readonly spikes: Readonly<Record<number, number>>;
    readonly broken?: number;
    readonly lost?: boolean;
  },
): Promise<readonly Finding[]> {
  const entropy = (step: number) =>
    step < broken ? 0.3 + 0.01 * wave(step) : lost ? NaN : 0.02 + 0.002 * wave(step);
  const rows = Array.from({ length: 150 }, (_, step) => ({
    step,
    values: {
      "actor/entropy": entropy(step),
      "actor/grad_norm": spikes[step] ?? 0.16 + 0.01 * wave(3 * step),
      ...(step % 10 === 0
        ? {
          "val-core/math/acc/mean@1": step < broken
            ? 0.4 + 0.25 * Math.min(1, step / 75) + 0.006 * wave(step)
            : 0.04,
        }
        : {}),
    },
  }));
  let found: readonly Finding[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "log");
    await Deno.writeTextFile(path, verlConsole(rows));
    found = diagnose(await readRun(path)).findings;
  });
  return found;
}

const about = (found: readonly Finding[], topic: string) =>
  found.find((finding) => finding.topic === topic)?.finding ?? "";

Deno.test("a spike of the gradient right before the break came first, and the remedy is a checkpoint from before", async () => {
  for (const broken of [62, 102, 127]) {
    const found = await findings({ spikes: { [broken - 1]: 45 }, broken });
    assert.match(
      about(found, "what moved first"),
      new RegExp(
        `^first a spike of the gradient norm to 45 at step ${
          broken - 1
        }, then entropy at step ${broken}; the score dropped at once after step `,
      ),
    );
    const remedy = about(found, "remedy");
    assert.match(remedy, new RegExp(`^look first at step ${broken - 1}, .* is 45 `));
    assert.match(remedy, /a checkpoint from before it .*; clipped gradients/);
  }
});

Deno.test("a spike right before the entropy is no number any more is where to go back to", async () => {
  const found = await findings({ spikes: { 101: 45 }, broken: 102, lost: true });
  assert.match(about(found, "what moved first"), /^first a spike of the gradient norm to 45 at/);
  assert.match(
    about(found, "remedy"),
    /a checkpoint from before step 101, where the gradient norm has a spike of 45, and look/,
  );
});

Deno.test("a spike long before the break, a smaller one than before, and one without a break say nothing", async () => {
  const cases = [
    { spikes: { 40: 45 }, broken: 102 },
    { spikes: { 40: 45, 101: 20 }, broken: 102 },
    { spikes: { 102: 45 }, broken: 102 },
    { spikes: {}, broken: 102 },
    { spikes: { 101: 45 } },
  ];
  for (const one of cases) {
    const found = await findings(one);
    assert.doesNotMatch(about(found, "what moved first"), /a spike/);
    assert.doesNotMatch(about(found, "remedy"), /checkpoint/);
  }
});
