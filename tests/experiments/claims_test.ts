/** The claims of the paper: that all are there, and that synthetic logs get the verdicts that they were made for. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JudgedClaim } from "../../analysis/claims.ts";
import { CLAIMS, type StudyState, verdictOn } from "../../experiments/claims/verdicts.ts";
import type { FigureRun } from "../../experiments/study.ts";
import { studyRun } from "../../experiments/lab/study/study_run.ts";
import type { TrainSettings } from "../../experiments/lab/train_settings.ts";
import type { StudyLog } from "../../experiments/study_log.ts";
import { QWEN } from "../../experiments/plain_runs.ts";
import { BASE_MODEL_NAMES } from "../../experiments/lab/families.ts";
import { ROOT } from "../support.ts";
import { paperLaw, withTokens } from "./papers_world.ts";
import { type SyntheticLaw, syntheticLog } from "./synthetic_study.ts";

type Settings = Readonly<Record<string, unknown>>;

const SEEDS = [1, 2, 3];
const plain = (task: string) => BASE_MODEL_NAMES.map((model) => ({ model, task, seed: 1 }));
const headline = SEEDS.map((seed) => ({ model: "qwen2.5-7b", seed }));
const sizes = (task: string) => QWEN.map((model) => ({ model, task, seed: 1 }));

/** A study in small: which runs each figure has. */
const FIGURE_RUNS: Readonly<Record<string, readonly Settings[]>> = {
  fig1: [...headline, ...sizes("math")],
  fig2: plain("math"),
  fig3: plain("math"),
  fig4: plain("code"),
  fig5: ["math", "code"].flatMap(sizes).filter(({ model }) => !model.includes("0.5b")),
  fig6: SEEDS.flatMap((seed) =>
    ["grpo", "rloo", "prime", "reinforce++"].map((algorithm) => ({ algorithm, seed }))
  ),
  fig7: ["math", "code"].flatMap(sizes),
  fig8: [{ seed: 1, minibatches: 1 }],
  fig9: [1e-4, 1e-3, 5e-3, 1e-2].map((entropyCoefficient) => ({
    intervention: "entropy-bonus",
    entropyCoefficient,
  })),
  fig10: [1e-3, 1e-2, 5e-2, 0.1].map((referenceCoefficient) => ({
    intervention: "reference-kl",
    referenceCoefficient,
  })),
  fig11: ["qwen2.5-7b", "qwen2.5-32b"].flatMap((model) =>
    SEEDS.flatMap((seed) => [
      ...["none", "clip-higher", "clip-cov", "kl-cov"].map((intervention) => ({
        model,
        seed,
        intervention,
      })),
      { model, seed, clipLow: 1, clipHigh: 1, dualClip: null },
    ])
  ),
  fig12: [
    ...[2e-4, 4e-4, 7e-4].map((clipCovRatio) => ({ intervention: "clip-cov", clipCovRatio })),
    ...[0.05, 0.1, 0.5].map((klCoefficient) => ({ intervention: "kl-cov", klCoefficient })),
  ],
  fig13: ["standard", "easy", "hard"].map((mixture) => ({ mixture })),
  fig14: ["1.5b", "3b", "7b"].map((size) => ({ model: `qwen2.5-${size}`, instruct: true })),
  table1: headline,
  tuning: [
    { seed: 9 },
    ...[0.1, 10].map((klCoefficient) => ({ seed: 9, intervention: "kl-cov", klCoefficient })),
  ],
};

function study(
  lawOf: (settings: TrainSettings) => Partial<SyntheticLaw>,
  tokens: (log: StudyLog) => StudyLog = withTokens,
): StudyState {
  const runs = new Map<string, FigureRun & { figures: string[] }>();
  const read = new Map<string, StudyLog>();
  for (const [figure, all] of Object.entries(FIGURE_RUNS)) {
    for (const given of all) {
      const run = studyRun(given);
      if (!runs.has(run.name)) {
        runs.set(run.name, { ...run, figures: [] });
        read.set(run.name, tokens(syntheticLog(given, lawOf(run.settings))));
      }
      runs.get(run.name)!.figures.push(figure);
    }
  }
  return { runs: [...runs.values()], read };
}

/** The verdicts on some claims, or on all. */
function verdicts(state: StudyState, ...numbers: number[]): Map<number, JudgedClaim> {
  return new Map(
    CLAIMS.filter(({ number }) => numbers.length === 0 || numbers.includes(number))
      .map((claim) => [claim.number, verdictOn(claim, state)]),
  );
}

function describe(claim: JudgedClaim): string {
  const numbers = claim.readings.flatMap(({ criteria }) => criteria)
    .map(({ outcome, quantity, ours, because }) => `${outcome}: ${quantity}: ${ours}. ${because}`);
  return [`${claim.number}: ${claim.verdict}`, ...numbers].join("\n  ");
}

const STUDY = study(paperLaw);
const PAPERS_WORLD = verdicts(STUDY);

Deno.test("all 28 claims are there, once, in order, each with a place, a statement and a rule", () => {
  assert.deepEqual(CLAIMS.map(({ number }) => number), Array.from({ length: 28 }, (_, i) => i + 1));
  for (const claim of CLAIMS) {
    assert.match(claim.statement, /^\S.*\.$/u, String(claim.number));
    assert(!claim.place.endsWith(".") && !claim.paper.endsWith("."), String(claim.number));
    for (const { criteria } of claim.readings) {
      assert(criteria.length > 0);
      for (const { accept: [low, high] } of criteria) assert(low <= high);
    }
  }
});

Deno.test("the runs of a claim are those of figures that there are", () => {
  const known = Object.keys(FIGURE_RUNS);
  for (const { number, figures } of CLAIMS) {
    assert(figures.every((figure) => known.includes(figure)), String(number));
  }
});

Deno.test("a claim asks for no runs but those of its own figures", () => {
  for (const claim of CLAIMS) {
    const own = STUDY.runs.filter(({ figures }) =>
      figures.some((figure) => claim.figures.includes(figure))
    );
    const alone = { runs: own, read: STUDY.read };
    assert.deepEqual(verdictOn(claim, alone), PAPERS_WORLD.get(claim.number));
  }
});

Deno.test("in the paper's world its claims about runs are reproduced", () => {
  for (const number of [4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 20, 21, 22, 23, 27]) {
    const claim = PAPERS_WORLD.get(number)!;
    assert.equal(claim.verdict, "reproduced", describe(claim));
  }
  // Of steadiness synthetic logs know nothing.
  const strengths = PAPERS_WORLD.get(25)!;
  assert.deepEqual(
    strengths.readings[0]!.criteria.slice(0, 2).map(({ outcome }) => outcome),
    ["met", "met"],
    describe(strengths),
  );
});

Deno.test("what scale hides or the theory forbids is told in numbers", () => {
  const lemma = PAPERS_WORLD.get(13)!;
  assert.equal(lemma.verdict, "partly", describe(lemma));
  assert.match(
    lemma.scale.join(" "),
    /several tokens do worse than single ones, so scale does not explain it/,
  );
  const few = verdicts(
    study(paperLaw, (log) => {
      const curves = new Map(withTokens(log).curves);
      for (const key of ["rollout/tokens", "actor/touched_tokens"]) {
        curves.set(key, curves.get(key)!.map(({ step, value }) => ({ step, value: value / 50 })));
      }
      return { ...log, curves };
    }),
    18,
    26,
  );
  const table = few.get(18)!;
  assert.equal(table.verdict, "partly", describe(table));
  assert.match(describe(table), /0\.02 % of the 2000 tokens of a rollout are 0\.40 tokens/);
  const swapped = verdicts(
    study(paperLaw, (log) => {
      const curves = new Map(withTokens(log).curves);
      const [easy, middling] = [7, 4].map((right) => `covariance/difficulty/${right}`);
      const curve = curves.get(easy!)!;
      curves.set(middling!, curve.map(({ step, value }) => ({ step, value: 2 * value })));
      return { ...log, curves };
    }),
    17,
  ).get(17)!;
  assert.equal(swapped.verdict, "partly", describe(swapped));
  assert.match(swapped.scale.join(" "), /0\.875 is 0\.50 times .* and 0\.50 times in the last\./);
  const pivotal = few.get(26)!;
  assert.equal(pivotal.verdict, "not testable at this scale", describe(pivotal));
});

Deno.test("where the law fails the verdict falls with it, and says what size has to do with it", () => {
  const noise = verdicts(study((settings) => ({ ...paperLaw(settings), noise: 0.2 })), 4, 5, 6, 11);
  for (const number of [4, 5, 6, 11]) {
    const claim = noise.get(number)!;
    assert.equal(claim.verdict, "not reproduced", describe(claim));
  }
  const law = noise.get(4)!.readings[0]!.criteria[0]!;
  assert.match(
    law.because,
    /^From the counterpart of 0\.358 B parameters to that of 31\.2 B it moves by/,
  );
  const other = verdicts(
    study((settings) => ({
      ...paperLaw(settings),
      ...(settings.algorithm === "rloo" ? { a: 0.1, b: 0.9 } : {}),
    })),
    7,
  );
  assert.equal(other.get(7)!.verdict, "not reproduced", describe(other.get(7)!));
  const useless = verdicts(
    study((settings) => ({
      ...paperLaw(settings),
      ...(settings.intervention === "kl-cov" ? { b: 0.4, end: 0.02 } : {}),
    })),
    23,
    24,
  );
  for (const number of [23, 24]) {
    assert.equal(useless.get(number)!.verdict, "not reproduced", describe(useless.get(number)!));
  }
  assert.match(useless.get(23)!.scale.join(" "), /7B: with Clip-Cov's clip range alone/);
});

Deno.test("a claim whose runs are missing is not run yet, and names them", () => {
  const { runs, read } = STUDY;
  const [gone] = runs.filter(({ figures }) => figures.includes("fig14"));
  const partial = new Map(read);
  partial.delete(gone!.name);
  const claims = verdicts({ runs, read: partial }, 11, 16);
  assert.deepEqual(claims.get(11)!.missing, [gone!.name]);
  assert.equal(claims.get(11)!.verdict, "not run yet");
  assert.equal(claims.get(16)!.verdict, PAPERS_WORLD.get(16)!.verdict);
  const none = verdicts({ runs: [], read: new Map() }, 11, 14);
  assert.deepEqual(none.get(11)!.missing, ["the runs of fig14"]);
  assert.notEqual(none.get(14)!.verdict, "not run yet");
});

Deno.test("the paper's own numbers that claims quote are those of its data", async () => {
  const table = await readFile(join(ROOT, "results/paper/table1.csv"), "utf8");
  const printed = Array.from(table.matchAll(/,([\d.]+)$/gm), ([, value]) => value);
  const quoted = CLAIMS[17]!.readings[0]!.criteria.slice(0, printed.length)
    .map(({ paper }) => paper);
  assert.deepEqual(quoted, printed);
});
