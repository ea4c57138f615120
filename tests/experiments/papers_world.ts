/** Synthetic logs of a study in which the paper's claims hold, with all that claims and figures ask for. */
import type { TrainSettings } from "../../experiments/lab/train_settings.ts";
import type { StudyLog } from "../../experiments/study_log.ts";
import type { SyntheticLaw } from "./synthetic_study.ts";

/** The paper's world: the law holds, algorithms share it, interventions keep entropy and pay. */
export function paperLaw(settings: TrainSettings): Partial<SyntheticLaw> {
  const { model, task, mixture, intervention, clipHigh } = settings;
  const size = Math.log10(Number(/(\d+(?:\.\d+)?)b/.exec(model)![1]));
  const b = 0.5 + 0.1 * size - (task === "code" ? 0.1 : 0);
  const law = { a: 0.2 + 0.02 * size, b, noise: 0.001 };
  const gain = size > 1 ? 0.064 : 0.02;
  if (mixture !== "standard") return { ...law, a: mixture === "easy" ? 0.1 : 0.3 };
  // So much more than GRPO at the end, whatever the entropy.
  const held = (end: number, more: number) => ({
    ...law,
    end,
    b: b + more + law.a * (Math.exp(end) - Math.exp(0.02)),
  });
  switch (intervention) {
    case "clip-cov":
      return held(0.3 + 10 * (settings.clipCovRatio - 0.02), gain);
    case "kl-cov":
      return held(0.3 * settings.klCoefficient + 0.02, gain + 0.002);
    case "entropy-bonus":
      return held({ 0.0001: 0.02, 0.001: 0.03, 0.005: 0.5 }[settings.entropyCoefficient] ?? 5, 0);
    case "reference-kl":
      return held(0.02 + 4 * settings.referenceCoefficient, -2 * settings.referenceCoefficient);
    default:
      return clipHigh === 1 ? held(0.05, 0.01) : law;
  }
}

const GREEDY = ["math-500", "olympiadbench", "omni-math"];

/** The keys that synthetic logs lack, as the paper's world would have them. */
export function withTokens(log: StudyLog): StudyLog {
  const { settings } = log.run;
  const { steps, group, intervention } = settings;
  const curves = new Map(log.curves);
  const entropy = curves.get("train_entropy/all")!;
  const add = (key: string, value: (step: number) => number) =>
    curves.set(
      key,
      Array.from({ length: steps }, (_, i) => ({ step: i + 1, value: value(i + 1) })),
    );
  const fall = (step: number) =>
    entropy[step - 1]!.value - (entropy[step] ?? entropy.at(-1)!).value + 1e-4;
  const tokens = 1e5;
  add("rollout/tokens", () => tokens);
  add("critic/score/mean", () => 0.3);
  add("covariance/sequence", fall);
  add("covariance/sequence-advantage", (step) => 3 * fall(step));
  add("theory/entropy_change", (step) => -fall(step));
  add("theory/lemma_1", (step) => -fall(step));
  for (const theorem of [1, 2]) add(`theory/theorem_${theorem}`, (step) => 2 * fall(step));
  for (const share of [1, 4, 7]) {
    add(`covariance/difficulty/${(share * group) / 8}`, (step) => share * fall(step));
  }
  add("covariance/mean", () => 0.0015);
  const table = { 0.0002: 5.654, 0.002: 3.112, 0.02: 1.385, 0.2: 0.351, 0.5: 0.152 };
  for (const [part, value] of Object.entries(table)) add(`covariance/top-${part}`, () => value);
  const share = intervention === "clip-cov"
    ? settings.clipCovRatio
    : intervention === "kl-cov"
    ? settings.klCovRatio
    : 0;
  add("actor/touched_tokens", () => share * tokens);
  if (intervention === "clip-higher") {
    add("freed/tokens", () => 20);
    add("freed/covariance", () => -0.03);
  }
  for (const benchmark of ["t0.6/aime24", "t0.6/amc", ...GREEDY.map((name) => `greedy/${name}`)]) {
    curves.set(
      `val-core/${benchmark}/acc/mean@${benchmark.startsWith("greedy") ? 1 : 8}`,
      log.pairs.map(({ step, score }) => ({ step, value: score })),
    );
  }
  if (intervention === "kl-cov") {
    add("response_length/mean", () => 20);
  }
  return { ...log, curves };
}
