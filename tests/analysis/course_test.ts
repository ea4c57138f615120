/** Courses, trends and forecasts, from series whose values are known. */
import assert from "node:assert/strict";
import { notBought } from "../../analysis/bought.ts";
import { courseOf, lastAt } from "../../analysis/course.ts";
import { dipOf } from "../../analysis/dip.ts";
import { entropyCourse } from "../../analysis/entropy_course.ts";
import { jumpOf } from "../../analysis/jump.ts";
import { type RecentGain, recentGain } from "../../analysis/gain.ts";
import { findPlateau } from "../../analysis/plateau.ts";
import type { Run, ScoreSeries } from "../../analysis/readers/run.ts";
import type { Series } from "../../analysis/readers/series.ts";
import { type ScoreCourse, scoreCourse } from "../../analysis/score_course.ts";
import { spikesOf } from "../../analysis/spikes.ts";
import { normalNumbers } from "./failing_runs.ts";
import { flattening } from "../../analysis/flattening.ts";
import { forecast, headOf, lastPart, noiseOf, tailOf, trendOf } from "../../analysis/trend.ts";

function seriesOf(value: (step: number) => number, count = 100): Series {
  const steps = Float64Array.from({ length: count }, (_, i) => i);
  return { steps, values: steps.map(value) };
}

function scoreOf(value: (step: number) => number, count: number, kind: ScoreSeries["kind"]) {
  return {
    keys: ["r"],
    label: "r",
    kind,
    unit: "fraction",
    foundBy: "name",
    ...seriesOf(value, count),
  } as const;
}

const wave = (step: number) => Math.sin(1.7 * step) * 0.01;

Deno.test("a course has its start, lowest, highest and last point, each with the step at which it was", () => {
  const course = courseOf(seriesOf((step) => (step - 6) ** 2, 10))!;
  assert.deepEqual(course, {
    start: { step: 0, value: 36 },
    trough: { step: 6, value: 0 },
    peak: { step: 0, value: 36 },
    end: { step: 9, value: 9 },
    width: 1,
  });
  assert.equal(courseOf(seriesOf(() => 1, 1)), undefined);
});

Deno.test("one wild value is no lowest point, and decides no end", () => {
  const series = seriesOf((step) => step === 50 ? -100 : step === 99 ? 100 : 1 - step / 1000);
  const course = courseOf(series, "medians")!;
  assert.equal(course.trough.value, 1 - 97 / 1000);
  assert.deepEqual(course.end, { step: 97, value: 1 - 97 / 1000 });
  const alone = courseOf(series)!;
  assert.equal(alone.end.value, 100);
});

Deno.test("the course of 100,000 values is that of medians of neighbours", () => {
  const course = courseOf(seriesOf((step) => Math.abs(step - 70_000), 100_000))!;
  assert(Math.abs(course.trough.step - 70_000) < 1000, String(course.trough.step));
  assert.deepEqual(course.start, { step: 0, value: 70_000 });
  assert.deepEqual(course.end, { step: 99_999, value: 29_999 });
});

Deno.test("the entropy's course: collapse, surge, explosion, oscillation, stable and what lies between", () => {
  const cases: Record<string, (step: number) => number> = {
    collapse: (step) => 0.6 * Math.exp(-step / 15),
    "collapse, then surge": (step) =>
      0.6 * Math.min(Math.exp(-step / 15), 1) + (step > 70 ? 0.02 * (step - 70) : 0),
    decline: (step) => 0.6 * (1 - step / 200),
    stable: (step) => 0.6 + 0.02 * Math.sin(step),
    rise: (step) => 0.6 * (1 + step / 200),
    explosion: (step) => 0.6 * Math.exp(step / 40),
    oscillation: (step) => 0.6 + 0.4 * Math.sin(step / 7),
    "rise, then fall": (step) => 0.6 + 0.5 * Math.sin(Math.PI * step / 99),
    "fall, then rise": (step) => 0.6 - 0.35 * Math.sin(Math.PI * step / 99),
  };
  for (const [name, entropy] of Object.entries(cases)) {
    assert.equal(entropyCourse(seriesOf((step) => entropy(step) + wave(step)))!.course, name);
  }
});

Deno.test("an entropy that fell by a third and ends above its start was not stable", () => {
  const low = (step: number) => 0.58 - 0.18 * Math.sin(Math.PI * Math.min(step, 75) / 75);
  const log = seriesOf((step) => low(step) + 0.005 * Math.max(0, step - 75) + wave(step));
  assert.equal(entropyCourse(log)!.course, "fall, then rise");
});

Deno.test("a jump is told from a steep fall, a spike and noise", () => {
  const jump = jumpOf(seriesOf((step) => (step < 40 ? 0.6 : 0.3) + wave(step)))!;
  assert.deepEqual([jump.before.step, jump.after.step], [39, 40]);
  assert(Math.abs(jump.before.value - 0.6) < 0.01 && Math.abs(jump.after.value - 0.3) < 0.01);
  assert.equal(jumpOf(seriesOf((step) => 0.6 * Math.exp(-step / 8) + 0.1 * wave(step))), undefined);
  assert.equal(jumpOf(seriesOf((step) => (step === 40 ? 5 : 0.6) + wave(step))), undefined);
  assert.equal(jumpOf(seriesOf((step) => 0.5 + 30 * wave(step))), undefined);
  assert.equal(jumpOf(seriesOf((step) => 1 - step / 110)), undefined);
  // Without noise the medians are apart from two values before the jump to two after it.
  const exact = jumpOf(seriesOf((step) => step < 50 ? 0.6 : 0.02))!;
  assert.deepEqual(exact, {
    before: { step: 49, value: 0.6 },
    after: { step: 50, value: 0.02 },
    levels: [0.6, 0.02],
  });
  // By and by over eight steps, as steeply as medians of five see it.
  const ramp = (step: number) => 0.6 - 0.4 * Math.min(1, Math.max(0, (step - 46) / 5));
  for (let seed = 0; seed < 20; seed++) {
    const normal = normalNumbers(seed);
    assert.equal(jumpOf(seriesOf((step) => ramp(step) + 0.01 * normal())), undefined);
    const drop = jumpOf(seriesOf((step) => (step < 40 ? 0.6 : 0.3) + 0.01 * normal()))!;
    assert.deepEqual([drop.before.step, drop.after.step], [39, 40]);
  }
  // Of a series that is looked at through medians, the steps and values are its own.
  const long = seriesOf((step) => step < 7777 ? 0.6 : 0.2, 20_000);
  assert.deepEqual(jumpOf(long)!.before, { step: 7776, value: 0.6 });
  assert.deepEqual(jumpOf(long)!.after, { step: 7777, value: 0.2 });
});

Deno.test("spikes stand out of what is before and after them, also of values that do not scatter", () => {
  const falls = (step: number) => 0.02 + Math.exp(-step / 30);
  const spike = spikesOf(seriesOf((step) => falls(step) + (step === 50 ? 5 : 0)));
  assert.deepEqual(spike.map(({ step }) => step), [50]);
  const level = spike[0]!.level;
  assert(falls(54) < level && level < falls(46), `${level}`);
  const twice = seriesOf((step) => step === 50 || step === 51 ? 1e4 : 0.3);
  assert.deepEqual(spikesOf(twice).map(({ step }) => step), [50, 51]);
  assert.deepEqual(spikesOf(seriesOf((step) => step === 70 ? 0 : 0.5)).map(({ step }) => step), [
    70,
  ]);
  assert.equal(spikesOf(seriesOf((step) => step === 99 ? 9 : 0.3)).length, 1);
  // A steep fall, a jump, a rise without end, and noise have none.
  assert.deepEqual(spikesOf(seriesOf((step) => 2 ** -step + 0.001)), []);
  assert.deepEqual(spikesOf(seriesOf((step) => step < 40 ? 0.6 : 0.02)), []);
  assert.deepEqual(spikesOf(seriesOf((step) => 1.3 ** step)), []);
  assert.deepEqual(spikesOf(seriesOf((step) => 0.5 + 20 * wave(step))), []);
});

Deno.test("a dip from which the score came back is told from noise, and from a fall", () => {
  const score = (value: (step: number) => number) => scoreOf(value, 100, "validation");
  const dip = (one: ScoreSeries) => dipOf(one, scoreCourse(one)!);
  const rises = (step: number) => 0.5 + 0.002 * step + 0.2 * wave(step);
  const down = dip(score((step) => rises(step) - (step >= 40 && step < 50 ? 0.3 : 0)))!;
  assert.deepEqual(down.steps, [40, 49]);
  assert(down.lowest.step >= 40 && down.lowest.step < 50 && down.lowest.value < 0.32);
  assert.equal(dip(score(rises)), undefined);
  assert.equal(dip(score((step) => step < 40 ? rises(step) : 0.2)), undefined);
});

Deno.test("a height is left when values leave it, not when their running median turns", () => {
  const course = { start: { step: 0, value: 0 }, end: { step: 99, value: 0 }, width: 5 };
  const series = seriesOf((step) => 0.5 - 0.02 * Math.max(0, step - 70) + 0.1 * wave(step));
  const peak = { step: 67, value: 0.5 };
  const left = lastAt("peak", series, { ...course, peak, trough: peak });
  assert.equal(left, 70);
  const up = { steps: series.steps, values: series.values.map((value) => 1 - value) };
  const trough = { step: 67, value: 0.5 };
  assert.equal(lastAt("trough", up, { ...course, peak, trough }), 70);
});

Deno.test("a gain is not bought by an entropy that stays where it is", () => {
  const score = scoreOf((step) => 0.3 + 0.003 * step, 100, "validation");
  const gain = recentGain({ score } as unknown as Run, findPlateau(score))!;
  assert(gain.rises && gain.since === 50);
  const early = notBought(seriesOf((step) => 0.02 + Math.exp(-step / 6)), score, gain.since)!;
  assert(Math.abs(early.gained - 0.5) < 0.03 && Math.abs(early.spent) < 0.01);
  assert.equal(notBought(seriesOf((step) => 1 - 0.009 * step), score, gain.since), undefined);
});

Deno.test("a slight rise at the end counts for none", () => {
  const score = scoreOf((step) => 0.6 - 0.4 * Math.exp(-step / 12), 100, "validation");
  const { rises, isSlight } = recentGain({ score } as unknown as Run, undefined)!;
  assert.deepEqual([rises, isSlight], [false, true]);
});

Deno.test("a trend at the end of a score that scatters about one level is no gain", () => {
  const values = [0.503, 0.516, 0.496, 0.472, 0.493, 0.501, 0.472, 0.503, 0.564, 0.508];
  const score = scoreOf((step) => values[step]!, values.length, "validation");
  const { rises, why } = recentGain({ score } as unknown as Run, undefined)!;
  assert.deepEqual([rises, why], [false, "open"]);
});

Deno.test("the score's fall from its peak counts above the noise and a fifth of the gain", () => {
  const up = (step: number) => 0.2 + 0.004 * step + wave(step);
  assert.deepEqual(pick(scoreCourse(scoreOf(up, 100, "training"))!), [true, false]);
  const hump = (step: number) => 0.2 + 0.3 * Math.sin(Math.PI * step / 130) + wave(step);
  assert.deepEqual(pick(scoreCourse(scoreOf(hump, 100, "training"))!), [true, true]);
  const flat = (step: number) => 0.4 + wave(step);
  assert.deepEqual(pick(scoreCourse(scoreOf(flat, 100, "training"))!), [false, false]);
  // A validation's first score is the base model's, and no noise.
  const leap = scoreCourse(scoreOf((step) => step === 0 ? 0.378 : 0.704, 27, "validation"))!;
  assert.deepEqual(leap.start, { step: 0, value: 0.378 });
  assert.deepEqual(pick(leap), [true, false]);
});

function pick({ rose, fall }: ScoreCourse): [boolean, boolean] {
  return [rose, fall !== undefined];
}

Deno.test("trends: slope of the medians, a test that ties and wild values do not decide", () => {
  const line = trendOf(seriesOf((step) => 3 + 2 * step));
  assert(Math.abs(line.slope - 2) < 1e-12 && Math.abs(line.intercept - 3) < 1e-9);
  assert.equal(line.direction, "up");
  assert.equal(trendOf(seriesOf((step) => -step + (step % 10 === 0 ? 500 : 0))).direction, "down");
  assert.equal(trendOf(seriesOf(() => 1)).direction, "flat");
  assert.equal(trendOf(seriesOf((step) => Math.sin(40 * step))).direction, "flat");
  // Four values can always be in order.
  assert.equal(trendOf(seriesOf((step) => step, 4)).direction, "flat");
  // S = 10 of 5 values: z = 9 / √(5 · 4 · 15 / 18).
  assert(Math.abs(trendOf(seriesOf((step) => step, 5)).z - 9 / Math.sqrt(300 / 18)) < 1e-12);
});

Deno.test("a forecast takes the curve that fits better: the truth is met, not the tangent's", () => {
  // 0.6·exp(−step/40) is at 0.06 at step 40·ln 10 = 92.1.
  const early = forecast(
    seriesOf((step) => 0.6 * Math.exp(-step / 40) + 1e-4 * wave(step), 60),
    0.06,
  )!;
  assert.equal(early.model, "exponential");
  const [low, high] = early.interval;
  assert(low < early.step && early.step < high && high - low < 1, `${low} to ${high}`);
  const noisy = forecast(seriesOf((step) => 1 - step / 200 + 10 * wave(step * step), 60), 0.25)!;
  assert(noisy.interval[0] < 150 && noisy.interval[1] > 150, String(noisy.interval));
  assert(noisy.interval[1] - noisy.interval[0] > 10);
  assert(Math.abs(early.step - 92.1) < 0.5, String(early.step));
  const straight = forecast(seriesOf((step) => 1 - step / 200), 0.25)!;
  assert.equal(straight.model, "linear");
  assert(Math.abs(straight.step - 150) < 1e-6);
  assert.equal(forecast(seriesOf((step) => 1 + step), 0.5), undefined);
  assert.equal(forecast(seriesOf((step) => Math.exp(-step)), 0.5), undefined);
});

Deno.test("noise is told from the differences of neighbours; heads and tails are medians", () => {
  assert(noiseOf(seriesOf((step) => 5 * step)) < 1e-9);
  const normal = normalNumbers(1);
  const noise = noiseOf(seriesOf((step) => 5 * step + 0.3 * normal(), 2000));
  assert(Math.abs(noise - 0.3) < 0.03, String(noise));
  const ramp = seriesOf((step) => step);
  assert.equal(headOf(ramp), 4.5);
  assert.equal(tailOf(ramp), 94.5);
  assert.equal(lastPart(ramp, 0.5, 8).values[0], 50);
});

Deno.test("noisy scores that follow the law never say that entropy no longer buys any; a stop does", () => {
  let wrong = 0;
  for (let seed = 0; seed < 24; seed++) {
    const normal = normalNumbers(seed);
    const entropy = seriesOf((step) => 0.3 + 0.6 * Math.exp(-step / 80), 150);
    const at = (step: number, noise: number) =>
      0.75 - 0.2 * Math.exp(entropy.values[step]!) + noise * normal();
    const every = seriesOf((i) => at(10 * i + 9, 0.012), 15);
    const steps = every.steps.map((i) => 10 * i + 9);
    const score = { ...scoreOf(() => 0, 15, "validation"), steps, values: every.values };
    const trainingScore = scoreOf((step) => at(step, 0.03), 150, "training");
    const gainOf = (run: Partial<Run>) =>
      recentGain({ entropy, ...run } as unknown as Run, findPlateau(run.score!))!;
    assert.notEqual(gainOf({ score: trainingScore }).why, "less");
    const { rises, why } = gainOf({ score, trainingScore });
    if (!rises && why !== "open") wrong++;
  }
  // One in twenty by the level of the test.
  assert(wrong <= 3, `${wrong}`);
  const entropy = seriesOf((step) => 1 - 0.008 * step);
  const stopped = scoreOf((step) => 0.01 * Math.min(step, 45) + wave(step), 100, "training");
  const gain = recentGain({ entropy, score: stopped } as unknown as Run, undefined)!;
  assert.equal(gain.why, "less");
  assert(gain.rise.interval[1] < gain.rise.expected!);
});

Deno.test("whether a run still gains is asked of the training score where validations are too few", () => {
  const training = scoreOf((step) => step, 60, "training");
  const few = scoreOf(() => 0.5, 5, "validation");
  const many = scoreOf(() => 0.5, 20, "validation");
  const of = (score: ScoreSeries) =>
    recentGain({ score, trainingScore: training } as unknown as Run, findPlateau(score));
  const pick = (gain: RecentGain) => [gain.rises, gain.why, gain.kind, gain.since, gain.count];
  assert.deepEqual(pick(of(few)!), [true, undefined, "training", 30, 30]);
  assert.deepEqual(pick(of(many)!), [false, "never", "validation", 0, 20]);
  assert.equal(recentGain({ score: few } as unknown as Run, undefined), undefined);
});

Deno.test("a fall that flattens: its interval has the step of the truth, or never where that has a floor", () => {
  for (const [floor, slowness] of [[0, 60], [0.05, 60], [-0.5, 150], [0.11, 30]] as const) {
    const truth = floor >= 0.1 ? Infinity : -slowness * Math.log((0.1 - floor) / (1 - floor));
    let met = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const series = seriesOf((step) =>
        (floor + (1 - floor) * Math.exp(-step / slowness)) * (1 + wave(seed * step * step))
      );
      const found = flattening(lastPart(series, 0.5, 8), 0.1)!;
      const [low, high] = found.interval;
      if (low <= truth && truth <= high) met++;
      if (found.staysAbove) assert.equal(low, Infinity);
    }
    assert(met >= 16, `${floor}, ${slowness}: ${met} of 20`);
  }
  assert.equal(flattening(seriesOf((step) => step), 0.1), undefined);
});
