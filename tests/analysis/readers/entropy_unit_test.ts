/** In what an entropy is, as its key says, and what becomes of one that is not in nats. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ReadError } from "../../../formats/errors.ts";
import { pairs } from "../../../analysis/pairs.ts";
import { entropyUnit } from "../../../analysis/readers/entropy_unit.ts";
import { readRun } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { diagnose } from "../../../analysis/diagnosis.ts";
import { withFolder } from "../../support.ts";

async function withRun(
  keys: readonly string[],
  body: (run: Run) => void,
  entropyKey?: string,
): Promise<void> {
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    const rows = Array.from({ length: 12 }, (_, step) =>
      JSON.stringify({
        step,
        ...Object.fromEntries(keys.map((key) => [key, 1 / (step + 1)])),
        reward: step / 20,
      }));
    await Deno.writeTextFile(path, rows.join("\n") + "\n");
    body(await readRun(path, entropyKey === undefined ? {} : { entropyKey }));
  });
}

Deno.test("the unit of an entropy is read from its key, but not from what names the run", () => {
  const units = {
    nats: [
      "actor/entropy",
      "entropy (nats)",
      "4-bit/actor/entropy",
      "qlora-8-bit/entropy",
      "entropy_8_bit",
      "adv-normalized/actor/entropy",
      "token_normalized_entropy",
      "normalized/reward",
    ],
    bits: [
      "entropy (bits)",
      "entropy_bits",
      "entropy/bits",
      "bits/entropy",
      "policy_entropy_bits_per_token",
    ],
    other: [
      "normalized_entropy",
      "entropy_normalised",
      "normalized/entropy",
      "scaled_entropy",
      "entropy (%)",
      "entropy_bits_per_byte",
      "entropy_per_char",
    ],
  };
  for (const [unit, keys] of Object.entries(units)) {
    for (const key of keys) assert.equal(entropyUnit(key), unit, key);
  }
});

Deno.test("an entropy in bits is turned into nats, by whatever it was found", async () => {
  const keys = ["entropy (bits)", "entropy_bits", "bits/entropy", "policy.entropy_bits"];
  for (const key of keys) {
    for (const named of [undefined, key]) {
      await withRun([key], ({ entropy, notes }) => {
        assert.equal(entropy!.key, key);
        assert(Math.abs(entropy!.values[1]! - Math.LN2 / 2) < 1e-12);
        assert.match(entropy!.definition, /, in bits by its name and turned into nats per token$/);
        assert.doesNotMatch(entropy!.definition, /taken as nats/);
        assert.match(notes.join(" "), /is in bits by its name and was multiplied by ln 2/);
      }, named);
    }
  }
});

Deno.test("an entropy that is normalised is not taken for one in nats, which is said", async () => {
  for (const key of ["normalized_entropy", "normalized/entropy", "entropy/normalized/mean"]) {
    await withRun([key], (run) => {
      assert.equal(run.entropy, undefined);
      assert.deepEqual(run.unrecognised, []);
      assert.throws(() => pairs(run), /is by its name no entropy in nats per token/);
      const { findings } = diagnose(run);
      assert(
        findings.some(({ finding }) => finding.startsWith(`${key} is by its name no entropy`)),
      );
    });
    await assert.rejects(
      withRun([key], () => {}, key),
      (error) => error instanceof ReadError && /no entropy in nats per token/.test(error.message),
    );
    await withRun([key, "policy_entropy"], ({ entropy }) => {
      assert.equal(entropy!.key, "policy_entropy");
    });
  }
});
