/** The settings of a run: defaults that follow the method as its authors ran it, and how each is set. */
import assert from "node:assert/strict";
import { LabError } from "../../../experiments/lab/errors.ts";
import {
  describeSettings,
  parseSetting,
  RUN_INTERVENTIONS,
  trainSettings,
} from "../../../experiments/lab/train_settings.ts";
import { lossSettings } from "../../../experiments/lab/loss_settings.ts";

const GRPO = { clipLow: 0.2, clipHigh: 0.2, dualClip: 10 };
const NO_CLIP = { clipLow: null, clipHigh: null, dualClip: null };

/** Clip ranges with the definition verl, and with the paper's. */
const METHODS = {
  none: [GRPO, GRPO],
  "entropy-bonus": [GRPO, GRPO],
  "reference-kl": [GRPO, GRPO],
  "clip-higher": [{ ...GRPO, clipHigh: 0.28 }, { ...GRPO, clipHigh: 0.28 }],
  "clip-cov": [{ clipLow: 1, clipHigh: 1, dualClip: null }, NO_CLIP],
  "kl-cov": [NO_CLIP, NO_CLIP],
} as const;

Deno.test("clip ranges and selection are the method's own unless they are set", () => {
  assert.deepEqual(Object.keys(METHODS), [...RUN_INTERVENTIONS]);
  for (const [intervention, [verl, paper]] of Object.entries(METHODS)) {
    for (
      const [definition, clips, selection] of [
        ["verl", verl, "minibatch"],
        ["paper", paper, "batch"],
      ] as const
    ) {
      const given = { intervention, definition };
      const settings = trainSettings(given);
      const { clipLow, clipHigh, dualClip } = settings;
      assert.deepEqual({ clipLow, clipHigh, dualClip }, clips, `${intervention}, ${definition}`);
      assert.equal(settings.selection, selection);

      const other = {
        clipLow: 0.1,
        clipHigh: 0.4,
        dualClip: 3,
        selection: selection === "batch" ? "minibatch" : "batch",
      };
      for (const [name, value] of [...Object.entries(other), ...Object.entries(NO_CLIP)]) {
        assert.deepEqual(trainSettings({ ...given, [name]: value }), {
          ...settings,
          [name]: value,
        });
      }
    }
  }
});

Deno.test("the definition is verl's and there is no intervention unless they are set", () => {
  const { intervention, definition, selection, clipLow } = trainSettings({});
  assert.deepEqual(
    { intervention, definition, selection, clipLow },
    { intervention: "none", definition: "verl", selection: "minibatch", clipLow: 0.2 },
  );
});

Deno.test("the KL to the base model is logged at validations unless it is set", () => {
  assert.equal(trainSettings({}).referenceKlEvery, 6);
  assert.equal(trainSettings({ validateEvery: 7 }).referenceKlEvery, 7);
  assert.equal(trainSettings({ validateEvery: 7, referenceKlEvery: 0 }).referenceKlEvery, 0);
});

Deno.test("the loss has the clip ranges of the settings, and none where they are null", () => {
  for (const [intervention, [verl]] of Object.entries(METHODS)) {
    const clips = [verl, { clipLow: 0.1, clipHigh: 0.4, dualClip: 3 }, NO_CLIP];
    for (const given of clips) {
      const { clipLow, clipHigh, dualClip } = lossSettings(
        trainSettings({ intervention, ...given }),
      );
      assert.deepEqual({ clipLow, clipHigh, dualClip }, {
        clipLow: given.clipLow ?? Infinity,
        clipHigh: given.clipHigh ?? Infinity,
        dualClip: given.dualClip ?? Infinity,
      });
    }
  }
});

Deno.test("the loss has the bonus or the reference KL only with the intervention that is it", () => {
  const coefficients = { entropyCoefficient: 0.3, referenceCoefficient: 0.4, klCoefficient: 0.5 };
  for (const intervention of RUN_INTERVENTIONS) {
    for (const definition of ["verl", "paper"] as const) {
      const loss = lossSettings(trainSettings({
        ...coefficients,
        intervention,
        definition,
        referenceKl: "k2",
        aggregation: "seq-mean-token-sum",
      }));
      assert.equal(loss.entropyCoefficient, intervention === "entropy-bonus" ? 0.3 : 0);
      assert.equal(loss.referenceCoefficient, intervention === "reference-kl" ? 0.4 : 0);
      assert.equal(loss.klCoefficient, 0.5);
      assert.equal(loss.referenceKl, "k2");
      assert.equal(loss.aggregation, "seq-mean-token-sum");
      assert.equal(loss.intervention, /-cov$/.test(intervention) ? intervention : "none");
      assert.equal(loss.definition, definition);
    }
  }
});

Deno.test("settings are listed in one order, whatever is set, each with its default and meaning", () => {
  const names = describeSettings().map(({ name }) => name);
  const given = [{}, { dualClip: 3, intervention: "kl-cov" }, { seed: 2, clipLow: null, steps: 4 }];
  for (const one of given) assert.deepEqual(Object.keys(trainSettings(one)), names);
  const defaults = trainSettings({});
  for (const { name, value, meaning } of describeSettings()) {
    assert.equal(value, defaults[name as keyof typeof defaults], name);
    assert.notEqual(meaning, "", name);
  }
  const choices = describeSettings().find(({ name }) => name === "selection")!.choices;
  assert.deepEqual(choices, ["minibatch", "batch"]);
});

Deno.test("a clip is set, and set to none, from the command line; what it cannot be is one sentence", () => {
  const set = (text: string) => trainSettings(Object.fromEntries([parseSetting(text)]));
  assert.equal(set("clipLow=0.3").clipLow, 0.3);
  assert.equal(set("clipLow=null").clipLow, null);
  assert.equal(set("selection=batch").selection, "batch");
  for (
    const [text, message] of [
      ["clipLow=0", "clipLow is 0, expected more than 0."],
      ["clipHigh=-1", "clipHigh is -1, expected more than 0."],
      ["dualClip=wide", 'dualClip is "wide", expected a finite number.'],
      ["selection=token", 'selection is "token", expected one of minibatch, batch.'],
      ["validationSamples=0", "validationSamples is 0, expected at least 1."],
    ] as const
  ) {
    assert.throws(() => set(text), (error) => {
      assert(error instanceof LabError);
      assert.equal(error.message, message);
      return true;
    });
  }
});
