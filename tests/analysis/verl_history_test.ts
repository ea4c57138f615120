/** Which versions of verl a log shows, what its entropy is in each, and the traps that each has. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import type { Finding } from "../../analysis/finding.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { settingOf } from "../../analysis/readers/setting.ts";
import { verlEntropy } from "../../analysis/readers/verl_entropy.ts";
import { describeHistory, isSince, verlHistory } from "../../analysis/readers/verl_history.ts";
import { ROOT } from "../support.ts";

const CASES = join(ROOT, "../shared/cases");
const hasCases = await Deno.stat(CASES).then(() => true, () => false);

async function findingsOf(name: string): Promise<readonly Finding[]> {
  return diagnose(await readRun(join(CASES, name))).findings;
}

const OLD = ["actor/entropy_loss", "critic/score/mean", "response_length/mean"];
const actor = (settings: Record<string, unknown>) => ({ actor_rollout_ref: { actor: settings } });

Deno.test("verl's entropy by version: its key, the keys beside it and the configuration tell when it was measured", () => {
  const cases: [string, string[], Record<string, unknown> | undefined, string, RegExp][] = [
    ["until 0.3", [...OLD, "val/test_score/gsm8k"], undefined, "during the update", /on rank 0$/],
    ["0.4.0", [...OLD, "val-core/gsm8k/acc/mean@1"], undefined, "before the update", /all ranks$/],
    ["0.4.0, too", [...OLD, "actor/pg_clipfrac_lower"], undefined, "before the update", /rollout/],
    ["0.3 or 0.4", OLD, undefined, "unknown", /per token$/],
    ["0.4.1", ["actor/entropy", "response_length/mean"], undefined, "before the update", /rollout/],
    [
      "0.7.0 with a bonus",
      ["actor/entropy", "response_length_non_aborted/mean"],
      actor({ entropy_coeff: 0.001, calculate_entropy: false }),
      "during the update",
      /micro-batches of the update on all ranks/,
    ],
    [
      "0.7.0 with a bonus, engine workers",
      ["actor/entropy"],
      {
        ...actor({ entropy_coeff: 0.001, calculate_entropy: false }),
        trainer: { use_legacy_worker_impl: "disable" },
      },
      "before the update",
      /rollout/,
    ],
    [
      "0.6.1 with a bonus: no setting calculate_entropy yet",
      ["actor/entropy", "response_length_non_aborted/mean"],
      actor({ entropy_coeff: 0.1, strategy: "fsdp", use_dynamic_bsz: false }),
      "before the update",
      /rollout/,
    ],
    [
      "a configuration of a few settings does not date itself by what it lacks",
      ["actor/entropy", "response_length_non_aborted/mean"],
      actor({ entropy_coeff: 0.1 }),
      "unknown",
      /per token/,
    ],
    [
      "0.8.0 with a bonus",
      ["actor/entropy", "actor/entropy_loss"],
      actor({ entropy_coeff: 0.001, calculate_entropy: true }),
      "before the update",
      /rollout/,
    ],
    [
      "0.9 in bypass mode: the update's alone",
      ["actor/entropy_loss", "val-core/a/acc/mean@1", "response_length_non_aborted/mean"],
      undefined,
      "during the update",
      /of the update/,
    ],
  ];
  for (const [name, keys, config, measured, definition] of cases) {
    const key = keys.includes("actor/entropy") ? "actor/entropy" : "actor/entropy_loss";
    const found = verlEntropy(key, { keys, config })!;
    assert.equal(found.measured, measured, name);
    assert.match(found.definition, definition, name);
  }
  assert.equal(verlEntropy("optim/entropy", { keys: [] }), undefined);
});

Deno.test("a history says what shows it, and is undecided where keys contradict each other", () => {
  const record = [
    "response_length/mean",
    "response_length/clip_ratio",
    "critic/rewards/mean",
    "training/epoch",
  ];
  const history = verlHistory({ keys: ["actor/entropy", ...record] });
  assert.equal(
    describeHistory(history),
    "verl 0.4.1 or later (actor/entropy), before 0.6.0 (response_length/ without response_length_non_aborted/)",
  );
  assert.equal(
    describeHistory(verlHistory({ keys: ["actor/entropy", "response_length/mean"] })),
    "verl 0.4.1 or later (actor/entropy)",
    "chosen columns",
  );
  assert.equal(
    describeHistory(verlHistory({ keys: ["rollout_corr/kl", ...record] })),
    "can't tell the version: its keys are of two ages, verl 0.6.0 or later (rollout_corr/) and before 0.6.0 (response_length/ without response_length_non_aborted/)",
  );
  assert.equal(isSince(history, "entropyRenamed"), true);
  assert.equal(isSince(history, "calculateEntropy"), false);
  assert.equal(isSince(history, "allRanks"), false);
  const fork = verlHistory({ keys: ["actor/entropy", "val/test_score/a"] });
  assert.equal(isSince(fork, "entropyBefore"), undefined);
  assert.equal(
    describeHistory(verlHistory({ keys: ["actor/lr"] })),
    "no key that tells the version of verl",
  );
});

Deno.test({
  name: "the traps of verl's versions are dated by the log",
  ignore: !hasCases,
  fn: async () => {
    const traps = async (name: string) =>
      (await findingsOf(name)).filter(({ topic }) => topic.startsWith("metric trap"));
    const definition = async (name: string) =>
      (await findingsOf(name)).find(({ topic }) => topic === "entropy definition")!;

    const old = await definition("verl-040-entropy-loss.log");
    assert.match(old.finding, /of the rollout policy on all ranks; measured before the update/);
    const [affected, ...others] = await traps("verl-040-entropy-loss.log");
    assert.equal(affected!.severity, "problem");
    assert.match(affected!.finding, /verl#1943.*dynamic batches are on here/);
    assert.deepEqual(others, []);

    for (const name of ["verl-050-entropy.log", "verl-080-both.log"]) {
      const [none] = await traps(name);
      assert.equal(none!.finding, "none known for these keys.", name);
    }
    for (const trap of await traps("verl-061-entropy-bonus.log")) {
      assert.doesNotMatch(trap.finding, /overwrit/);
    }
    assert.match(
      (await definition("verl-061-entropy-bonus.log")).evidence,
      /before 0\.7\.0 \(a configuration without actor\.calculate_entropy\)/,
    );
    const both = await definition("verl-080-both.log");
    assert.match(both.finding, /measured before the update/);
    assert.match(both.evidence, /actor\/entropy_loss beside it .* nothing is overwritten/);
  },
});

Deno.test("settings are found nested, under dotted names, or both", () => {
  for (
    const config of [
      { a: { b: { c: 1 } } },
      { "a.b.c": 1 },
      { a: { "b.c": 1 } },
      { "a.b": { c: 1 } },
    ]
  ) {
    assert.equal(settingOf(config, "a.b.c"), 1);
    assert.deepEqual(settingOf(config, "a.b"), { c: 1 });
    assert.equal(settingOf(config, "a.b.d"), undefined);
  }
  assert.equal(settingOf(undefined, "a"), undefined);
  assert.equal(settingOf({ a: null }, "a"), null);
});
