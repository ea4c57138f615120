/** The conditions on the study's tasks, from logs whose numbers are known. */
import assert from "node:assert/strict";
import {
  type Condition,
  conditionOfCapacity,
  conditionOfExploration,
  conditionsOf,
} from "../../experiments/conditions.ts";
import { studyRun } from "../../experiments/lab/study/study_run.ts";
import type { StudyLog } from "../../experiments/study_log.ts";

const STEPS = 360;

/** What a log has, by share of training. */
interface Course {
  readonly entropy: (share: number) => number;
  readonly accuracy: (share: number) => number;
  /** ln of a policy's chance of a misconception's right answer, by the teacher's chance, at the end; −6 before. */
  readonly found: Readonly<Record<number, number>>;
  readonly length: (share: number) => number;
  readonly cut: (share: number) => number;
}

const GOOD: Course = {
  entropy: (share) => 0.5 * Math.exp(-20 * share),
  accuracy: (share) => 0.7 - 0.5 * Math.exp(-20 * share),
  found: { 0.0004: -9, 0.001: -8, 0.004: -8, 0.02: -0.1, 0.05: -0.1, 0.2: -0.2 },
  length: (share) => 8 + 4 * share,
  cut: () => 0,
};

function log(course: Course): StudyLog {
  const curves = new Map<string, { step: number; value: number }[]>();
  const add = (key: string, step: number, value: number) =>
    curves.getOrInsertComputed(key, () => []).push({ step, value });
  for (let step = 1; step <= STEPS; step++) {
    const share = step / STEPS;
    add("train_entropy/all", step, course.entropy(share));
    add("response_length/mean", step, course.length(share));
    add("response_length/clip_ratio", step, course.cut(share));
    add("rollout/no_signal_groups", step, share < 0.5 ? 0.5 : 0.9);
    if ((step - 1) % 30 !== 0) continue;
    // The mean over benchmarks counts.
    add("val-core/greedy/math-500/acc/mean@1", step, course.accuracy(share) + 0.1);
    add("val-aux/greedy/aime24/acc/mean@1", step, course.accuracy(share) - 0.1);
    add("val-aux/t1/aime24/acc/mean@2", step, 0);
    for (const [chance, end] of Object.entries(course.found)) {
      add(`misconceptions/log_probability/${chance}`, step, step === 1 ? -6 : end);
    }
  }
  return { run: studyRun({ steps: STEPS }), curves, pairs: [] };
}

function failing(course: Partial<Course>): string[] {
  return conditionsOf(log({ ...GOOD, ...course })).filter(({ holds }) => !holds)
    .map(({ name }) => name);
}

Deno.test("a run that collapses early, saturates and finds what is frequent meets all conditions", () => {
  assert.deepEqual(failing({}), []);
  const [base, entropy] = conditionsOf(log(GOOD)) as [Condition, Condition];
  assert.equal(base.measured, (0.7 - 0.5 * Math.exp(-20 / 360)).toFixed(3));
  assert.equal(entropy.measured, (0.5 * Math.exp(-20 / 360)).toFixed(3));
});

Deno.test("each condition fails by itself", () => {
  const cases: [Partial<Course>, string[]][] = [
    [{ entropy: (share) => 0.1 * Math.exp(-20 * share) }, ["H of the base model (nats)"]],
    [{ entropy: (share) => 0.5 * Math.exp(-7 * share) }, ["entropy spent by 1/12 of training"]],
    [
      { entropy: (share) => 0.1 + 0.4 * Math.exp(-20 * share) },
      ["entropy spent by 1/12 of training", "entropy spent by 1/3"],
    ],
    [
      { accuracy: (share) => 0.7 - 0.5 * Math.exp(-8 * share) },
      ["gain of greedy accuracy done by 1/12"],
    ],
    [
      { accuracy: (share) => GOOD.accuracy(share) + (share > 2 / 3 ? 0.2 * (share - 2 / 3) : 0) },
      ["change of greedy accuracy over the last third"],
    ],
    [
      { length: (share) => 8 - share },
      ["response length, last twelfth over first step"],
    ],
    [
      { cut: (share) => share > 0.2 && share < 0.3 ? 0.2 : 0 },
      ["largest share of truncated responses after the beginning"],
    ],
    [
      { found: { ...GOOD.found, 0.0004: -0.1, 0.001: -0.1 } },
      ["misconceptions found, from the rarest right answers to the most frequent"],
    ],
    [
      { found: { ...GOOD.found, 0.0004: -2, 0.001: -2, 0.004: -2 } },
      ["ln of the chance of right answers not found, end less base model (nats)"],
    ],
  ];
  for (const [course, expected] of cases) assert.deepEqual(failing(course), expected);
});

Deno.test("found misconceptions are counted by decade", () => {
  const { measured } = conditionsOf(log(GOOD)).find(({ name }) => name.includes("found, from"))!;
  assert.equal(measured, "0 % of 2, 50 % of 2, 100 % of 2");
});

Deno.test("exploration pays where a hotter run ends higher; capacity is the mean over benchmarks", () => {
  const usual = log(GOOD);
  const higher = log({ ...GOOD, accuracy: (share) => GOOD.accuracy(share) + 0.05 });
  assert(conditionOfExploration([usual, usual], higher).holds);
  assert(!conditionOfExploration([usual, higher], usual).holds);
  assert(conditionOfCapacity({ "math-500": 1, aime24: 0.95 }).holds);
  assert(!conditionOfCapacity({ "math-500": 1, aime24: 0.9 }).holds);
});
