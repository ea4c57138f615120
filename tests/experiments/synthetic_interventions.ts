/** Logs of the study's interventions and of its on-policy run, as known numbers would have written them. */
import { crc32 } from "node:zlib";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { trainSettings } from "../../experiments/lab/train_settings.ts";
import type { TrainSettings } from "../../experiments/lab/train_settings.ts";
import type { RunSettings, StudyLog, StudyLogs } from "../../experiments/study_log.ts";
import { LAW, type SyntheticLaw, syntheticStudy } from "./synthetic_study.ts";

/** The lab's benchmarks, each with how much easier it is than the mean, in points. */
export const BENCHMARKS = [
  { key: "val-core/t0.6/aime24/acc/mean@8", easier: -20 },
  { key: "val-core/t0.6/amc/acc/mean@8", easier: 0 },
  { key: "val-core/greedy/math-500/acc/mean@1", easier: 15 },
  { key: "val-core/greedy/omni-math/acc/mean@1", easier: -5 },
  { key: "val-core/greedy/olympiadbench/acc/mean@1", easier: 10 },
];

/** Table 1 as the lab's runs would have logged it: keys and means. */
export const COVARIANCES: Readonly<Record<string, number>> = {
  "covariance/mean": 0.05,
  "covariance/top-0.0002": 5,
  "covariance/top-0.002": 4,
  "covariance/top-0.02": 2,
  "covariance/top-0.2": 0.8,
  "covariance/top-0.5": 0.4,
};

/** Misconceptions, by the teacher's chance of the right answer, and which intervention finds them. */
const FINDERS: Readonly<Record<string, string>> = {
  0.001: "clip-cov",
  0.01: "all",
  0.02: "none of them",
  0.1: "all",
};

/** The entropy that is left in the end, in nats: 0.02 under GRPO. */
export function endOf(settings: TrainSettings): number {
  switch (settings.intervention) {
    case "kl-cov":
      return 0.02 + 0.18 * settings.klCoefficient;
    case "clip-cov":
      return 0.02 + 4 * settings.clipCovRatio;
    case "entropy-bonus":
      return 0.02 + 20 * settings.entropyCoefficient;
    case "reference-kl":
      return 0.02 + 2 * settings.referenceCoefficient;
    case "clip-higher":
      return 0.04;
    case "none":
      return settings.clipHigh === 1 ? 0.015 : 0.02;
  }
}

/** What a method adds to the accuracy at the end, as a fraction. */
const GAINS: Readonly<Record<string, number>> = { "kl-cov": 0.03, "clip-cov": 0.02 };

/** The law of a run, so that at the end its accuracy is GRPO's and its method's gain. */
function lawOf(settings: TrainSettings): Partial<SyntheticLaw> {
  const end = endOf(settings);
  const { a, b, end: plain } = LAW;
  const { model, intervention } = settings;
  const size = model === "qwen2.5-32b" ? 0.1 : 0;
  const gain = GAINS[intervention] ?? 0;
  return { end, b: b + size + gain + a * (Math.exp(end) - Math.exp(plain)), noise: 0.001 };
}

/** The logs of runs that figures 9 to 12 and tables 1 and 2 are drawn from; those that are not wanted are missing. */
export function armStudy(
  runs: readonly RunSettings[],
  isThere: (settings: TrainSettings) => boolean = () => true,
): StudyLogs {
  const { logs, missing } = syntheticStudy(
    runs,
    (settings) => isThere(settings) ? lawOf(settings) : undefined,
  );
  return { logs: logs.map(withTokens), missing };
}

/** What a log has beside the law: accuracies of each benchmark, covariances, tokens that methods are about. */
function withTokens({ run, curves, pairs }: StudyLog): StudyLog {
  const own = new Map([...curves].filter(([key]) => !key.startsWith("val-")));
  for (const { key, easier } of BENCHMARKS) {
    own.set(key, pairs.map(({ step, score }) => ({ step, value: score + easier / 100 })));
  }
  const steps = Array.from({ length: run.settings.steps }, (_, i) => i + 1);
  const every = (key: string, value: (step: number) => number) =>
    own.set(key, steps.map((step) => ({ step, value: value(step) })));
  for (const [key, value] of Object.entries(COVARIANCES)) {
    every(key, (step) => (value + 0.001 * run.settings.seed) / step);
  }
  const { intervention, clipHigh } = run.settings;
  every("rollout/tokens", () => 2000);
  every("actor/touched_tokens", () => intervention.endsWith("-cov") ? 20 : 0);
  if (intervention.endsWith("-cov")) {
    every("touched/covariance", (step) => step % 2 === 0 ? 4 : 2);
    every("touched/log_prob", () => -2.5);
    every("touched/positive", () => 0.125);
  }
  for (const [chance, finders] of Object.entries(FINDERS)) {
    const isFound = finders === "all" || finders === intervention;
    every(`misconceptions/log_probability/${chance}`, (step) => step === 1 || !isFound ? -6 : -0.1);
  }
  if (clipHigh !== 0.2) {
    // Steps count by their tokens: of 1 token at 1.97 and 3 at −0.7 the mean is −0.0325.
    every("freed/tokens", (step) => step % 2 === 0 ? 1 : 3);
    every("freed/covariance", (step) => step % 2 === 0 ? 1.97 : -0.7);
  }
  return { run, curves: own, pairs };
}

/** −ΔH per unit of the covariance of Theorem 1 in {@linkcode onPolicyStudy}. */
export const STEP_SIZE = 0.2;

/** The log of figure 8's run: −ΔH is what Lemma 1 says, and Theorem 1's covariance times a step size, with noise. */
export function onPolicyStudy(runs: readonly RunSettings[]): StudyLogs {
  const { logs, missing } = syntheticStudy(runs);
  return {
    missing,
    logs: logs.map(({ run, curves, pairs }) => {
      const { steps, group } = trainSettings(run.settings);
      const random = xoroshiro128plus(crc32(run.name));
      const noise = (size: number) => (size * uniformInt(random, -1000, 1000)) / 1000;
      const own = new Map(curves);
      const log = (key: string, value: (loss: number) => number) =>
        own.set(
          key,
          Array.from({ length: steps }, (_, i) => ({
            step: i + 1,
            value: value(0.004 * Math.exp(-i / (0.2 * steps))),
          })),
        );
      log("theory/entropy_change", (loss) => -loss);
      log("theory/lemma_1", (loss) => -loss + noise(0.0005));
      log("theory/theorem_1", (loss) => loss / STEP_SIZE + noise(0.002));
      log("theory/theorem_2", (loss) => 3 * loss + noise(0.02));
      log("covariance/sequence", (loss) => loss / STEP_SIZE + noise(0.004));
      log("covariance/sequence-advantage", (loss) => 5 * loss + noise(0.01));
      for (let right = 1; right < group; right++) {
        log(`covariance/difficulty/${right}`, (loss) => right * loss);
      }
      return { run, curves: own, pairs };
    }),
  };
}
