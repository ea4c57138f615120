/**
 * Runs with one failure each, in the shapes in which trainers log them: what rldoctor (junglezke/rldoctor)
 * says it finds, made anew here from its description. Seeded.
 */
import type { Row } from "./readers/write_logs.ts";

const STEPS = 400;
const VALIDATED_EVERY = 25;

/** The courses of a run, each over the share of it that is done, 0 to 1. */
interface Courses {
  /** Share of right answers. */
  pass: (done: number) => number;
  entropy: (done: number) => number;
  kl: (done: number) => number;
  length: (done: number) => number;
  gradient: (done: number, step: number) => number;
  clippedBelow: (done: number) => number;
  clippedAbove: (done: number) => number;
  truncated: (done: number) => number;
  validation: (done: number, pass: number) => number;
  /** How much the answer's correctness counts in the reward, beside a tenth of the format. */
  correctness: number;
  /** The noise of the format's reward. */
  formatNoise: number;
}

const rise = (low: number, high: number, middle: number, rate: number) => (done: number) =>
  low + (high - low) / (1 + Math.exp(-rate * (done - middle)));

const HEALTHY: Courses = {
  pass: rise(0.18, 0.66, 0.55, 6),
  entropy: (done) => 0.62 * Math.exp(-1.1 * done) + 0.22,
  kl: (done) => 0.02 + 0.35 * done ** 1.3,
  length: (done) => 380 + 130 * done,
  gradient: (done) => 0.55 * Math.exp(-0.6 * done),
  clippedBelow: (done) => 0.035 + 0.02 * done,
  clippedAbove: (done) => 0.03 + 0.02 * done,
  truncated: () => 0.004,
  validation: (_, pass) => pass - 0.04,
  correctness: 1,
  formatNoise: 0.01,
};

/** What is wrong with each run, and the topic of the finding that must say so. */
export const FAILING_RUNS: Readonly<
  Record<string, { readonly topic: string; readonly courses: Partial<Courses> }>
> = {
  "entropy is spent and buys nothing": {
    topic: "entropy course",
    courses: {
      entropy: (done) => 0.62 * Math.exp(-6.5 * done) + 0.006,
      pass: rise(0.18, 0.45, 0.2, 14),
    },
  },
  "prompts are too easy": {
    topic: "groups without signal",
    courses: { pass: rise(0.3, 0.965, 0.25, 12) },
  },
  "prompts are too hard": {
    topic: "groups without signal",
    courses: { pass: () => 0.035, gradient: (done) => 0.08 * Math.exp(-2.5 * done) + 0.002 },
  },
  "the grader is gamed": {
    topic: "training against validation",
    courses: {
      pass: rise(0.2, 0.93, 0.4, 9),
      validation: (done) =>
        0.2 + 0.22 * Math.min(done / 0.33, 1) - 0.16 * Math.max(done - 0.33, 0) / 0.67,
    },
  },
  "length is rewarded": {
    topic: "response length",
    courses: {
      length: (done) => 380 * (1 + 2.6 * done ** 1.4),
      pass: rise(0.2, 0.88, 0.4, 9),
      validation: (done) => 0.21 + 0.03 * done,
    },
  },
  "responses are cut off": {
    topic: "truncated responses",
    courses: {
      length: (done) => 380 + 1500 * done,
      truncated: (done) => Math.min(0.6, 0.005 + 0.42 * done ** 2),
    },
  },
  "the policy drifts away": {
    topic: "KL to the reference",
    courses: { kl: (done) => 0.02 + 4.5 * done ** 2.4, pass: rise(0.18, 0.48, 0.25, 12) },
  },
  "most tokens are clipped": {
    topic: "clip fraction",
    courses: {
      clippedBelow: (done) => 0.12 + 0.42 * done,
      entropy: (done) => 0.62 * Math.exp(-4.5 * done) + 0.02,
    },
  },
  "gradients have spikes": {
    topic: "gradient norm",
    courses: {
      gradient: (done, step) => 0.55 * Math.exp(-0.6 * done) * (step % 57 === 50 ? 80 : 1),
    },
  },
  "gradients are 0": {
    topic: "gradient norm",
    courses: { gradient: (_, step) => (step % 2 === 0 ? 0 : 0.5) },
  },
  "the format is all that is learned": {
    topic: "reward terms",
    courses: { correctness: 0.05, formatNoise: 0.06 },
  },
};

/** The rows of a run with these courses instead of healthy ones, in TRL's keys. */
export function failingRun(courses: Partial<Courses>, seed: number): Row[] {
  const run = { ...HEALTHY, ...courses };
  const normal = normalNumbers(seed);
  const share = (value: number) => Math.max(0, Math.min(1, value));
  return Array.from({ length: STEPS }, (_, step): Row => {
    const done = step / (STEPS - 1);
    const pass = share(share(run.pass(done)) + 0.018 * normal());
    const groups = share(pass ** 8 + (1 - pass) ** 8 + 0.012 * normal());
    const correctness = run.correctness * pass;
    const format = share(rise(0.35, 0.98, 0.06, 40)(done) + run.formatNoise * normal());
    const below = Math.max(0, run.clippedBelow(done) + 0.004 * normal());
    const above = Math.max(0, run.clippedAbove(done) + 0.004 * normal());
    return {
      step,
      values: {
        reward: correctness + 0.1 * format,
        frac_reward_zero_std: groups,
        entropy: Math.max(1e-4, run.entropy(done) + 0.006 * normal()),
        kl: Math.max(0, run.kl(done) + 0.004 * normal()),
        "clip_ratio/low_mean": below,
        "clip_ratio/high_mean": above,
        "clip_ratio/region_mean": below + above,
        grad_norm: run.gradient(done, step) * Math.exp(0.12 * normal()),
        "completions/mean_length": run.length(done) + 12 * normal(),
        "completions/clipped_ratio": share(run.truncated(done) + 0.004 * normal()),
        "rewards/correctness/mean": correctness + 0.01 * normal(),
        "rewards/format/mean": format,
        ...(step % VALIDATED_EVERY === 0 || step === STEPS - 1
          ? { "eval/accuracy": share(run.validation(done, pass) + 0.012 * normal()) }
          : {}),
      },
    };
  });
}

/** Standard normal numbers from a seed (Box and Muller on a linear congruential generator). */
export function normalNumbers(seed: number): () => number {
  let state = (seed + 1) * 2654435761 % 2 ** 32;
  const uniform = () => {
    state = (1664525 * state + 1013904223) % 2 ** 32;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
