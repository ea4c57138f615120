/** Logs of the study as a known law would have written them, so that its scripts are tested without its runs. */
import { crc32 } from "node:zlib";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { studyRun } from "../../experiments/lab/study/study_run.ts";
import type { TrainSettings } from "../../experiments/lab/train_settings.ts";
import type { RunSettings, StudyLog, StudyLogs } from "../../experiments/study_log.ts";

/** The law of a synthetic run; what is not given is that of {@linkcode LAW}. */
export interface SyntheticLaw {
  /** a and b of R = −a·exp(H) + b, R as a fraction. */
  readonly a: number;
  readonly b: number;
  /** H at the first step and after the last, in nats. */
  readonly start: number;
  readonly end: number;
  /** Share of training over which H falls to 1/e. */
  readonly decay: number;
  /** Standard deviation of R around the law, as a fraction. */
  readonly noise: number;
}

/** Near what the paper's 7B model does. */
export const LAW: SyntheticLaw = {
  a: 0.21,
  b: 0.6,
  start: 0.55,
  end: 0.02,
  decay: 1 / 15,
  noise: 0.004,
};

const BENCHMARKS = ["greedy/math-500", "t0.6/amc", "greedy/olympiadbench"];

/** The log of a run under a law, with noise that the run's name determines. */
export function syntheticLog(given: RunSettings, law: Partial<SyntheticLaw> = {}): StudyLog {
  const run = studyRun(given);
  const { a, b, start, end, decay, noise } = { ...LAW, ...law };
  const { steps, validateEvery } = run.settings;
  const random = xoroshiro128plus(crc32(run.name));
  // Uniform noise of a standard deviation.
  const noisy = (deviation: number) =>
    (deviation * Math.sqrt(3) * uniformInt(random, -1000, 1000)) / 1000;
  const curves = new Map<string, { step: number; value: number }[]>();
  const log = (key: string, step: number, value: number) =>
    curves.getOrInsertComputed(key, () => []).push({ step, value });
  const pairs: { step: number; entropy: number; score: number }[] = [];
  for (let step = 1; step <= steps; step++) {
    const entropy = end + (start - end) * Math.exp(-(step - 1) / (decay * steps));
    log("train_entropy/all", step, entropy);
    log("actor/entropy", step, 0.8 * entropy);
    log("response_length/mean", step, 12 - 4 * Math.exp(-step / (0.2 * steps)));
    if ((step - 1) % validateEvery !== 0) continue;
    const score = b - a * Math.exp(entropy) + noisy(noise);
    for (const benchmark of BENCHMARKS) log(`val-core/${benchmark}/acc/mean@1`, step, score);
    pairs.push({ step, entropy, score });
  }
  return { run, curves, pairs };
}

/** The logs of some runs, each under the law that a function gives it; runs without one are missing. */
export function syntheticStudy(
  runs: readonly RunSettings[],
  lawOf: (settings: TrainSettings) => Partial<SyntheticLaw> | undefined = () => ({}),
): StudyLogs {
  const logs: StudyLog[] = [];
  const missing = [];
  for (const given of runs) {
    const run = studyRun(given);
    const law = lawOf(run.settings);
    if (law === undefined) missing.push(run);
    else logs.push(syntheticLog(given, law));
  }
  return { logs, missing };
}
