import type { Gpu } from "../runtime/gpu.ts";
import { covarianceReference } from "../covariance/covariance_reference.ts";
import {
  emptyPolicyLoss,
  policyLoss,
  type PolicyLossTensors,
  readMetrics,
} from "../policy_loss/policy_loss.ts";
import { aggregationWeights } from "../policy_loss/policy_loss_reference.ts";
import { type SelectionSettings, selectTokens } from "../policy_loss/select_tokens.ts";
import {
  CLIP_COV,
  KL_COV,
  type KlEstimator,
  PLAIN_PPO,
  type PolicyLossSettings,
} from "../policy_loss/policy_loss_settings.ts";
import { emptyTokenCovariance } from "../covariance/token_covariance.ts";
import { emptySelection } from "../selection/selection.ts";
import { emptyTokenStatistics, tokenStatistics } from "../softmax/token_statistics.ts";
import { tokenStatisticsBackward } from "../softmax/token_statistics_backward.ts";
import { type Check, goldenTolerance, type Tally } from "./check.ts";
import type {
  GoldenCases,
  KlPenaltyCase,
  PolicyLossCase,
  PolicyLossGroup,
  SoftmaxCase,
} from "./golden_cases.ts";

/** What implementations in use computed in float64: the parsed files of tests/golden. */
export interface GoldenFiles {
  /** softmax.json. */
  readonly softmax?: unknown;
  /** policy_loss.json. */
  readonly policyLoss?: unknown;
  /** kl_penalty.json. */
  readonly klPenalty?: unknown;
}

/** Vocabularies from here on are granted this error of the entropy. */
const LARGE_VOCABULARY = 32_000;
const LARGE_VOCABULARY_ENTROPY = 2e-5;

/** The checks of the golden cases that are there. */
export function goldenChecks(files: GoldenFiles): Check[] {
  const { softmax, policyLoss, klPenalty } = files as GoldenCases;
  const checks: Check[] = [];
  if (softmax !== undefined) {
    checks.push({
      name: "golden-softmax",
      async run(gpu, tally) {
        for (const [i, c] of softmax.entries()) await compareSoftmax(gpu, tally, i, c);
      },
    });
  }
  if (policyLoss !== undefined) {
    checks.push({
      name: "golden-policy-loss",
      async run(gpu, tally) {
        for (const [i, group] of policyLoss.entries()) {
          for (const c of group.cases) {
            await comparePolicyLoss(gpu, tally, { index: i, batch: group.input, c });
          }
        }
      },
    });
  }
  if (klPenalty !== undefined) {
    checks.push({
      name: "golden-kl-penalty",
      async run(gpu, tally) {
        for (const c of klPenalty) await compareKlPenalty(gpu, tally, c);
      },
    });
  }
  return checks;
}

async function compareSoftmax(gpu: Gpu, tally: Tally, i: number, c: SoftmaxCase): Promise<void> {
  const { rows, vocab, temperature } = c;
  using logits = gpu.tensor(c.logits, [rows, vocab]);
  using targets = gpu.tensor(Uint32Array.from(c.targets));
  using gradLogProb = gpu.tensor(c.upstream_log_prob);
  using gradEntropy = gpu.tensor(c.upstream_entropy);
  using gradLogits = gpu.empty([rows, vocab]);
  using statistics = emptyTokenStatistics(gpu, rows);
  const recorder = gpu.record("golden softmax");
  tokenStatistics(recorder, { logits, targets, temperature, out: statistics });
  tokenStatisticsBackward(recorder, {
    logits,
    targets,
    statistics,
    temperature,
    gradLogProb,
    gradEntropy,
    out: gradLogits,
  });
  const [logProb, entropy, logZ, gradient] = await recorder.read(
    statistics.logProb,
    statistics.entropy,
    statistics.logZ,
    gradLogits,
  );
  const label = `case ${i}, [${rows}, ${vocab}] at temperature ${temperature}`;
  tally.near(`log-prob of ${label}`, logProb, c.log_prob, goldenTolerance(c.log_prob));
  const limit = vocab >= LARGE_VOCABULARY ? LARGE_VOCABULARY_ENTROPY : goldenTolerance(c.entropy);
  tally.near(`entropy of ${label}`, entropy, c.entropy, limit);
  tally.near(`log Z of ${label}`, logZ, c.log_z, goldenTolerance(c.log_z));
  if (c.grad_logits !== undefined) {
    tally.near(`gradient of ${label}`, gradient, c.grad_logits, goldenTolerance(c.grad_logits));
  }
  if (c.grad_logits_first_row !== undefined) {
    const expected = c.grad_logits_first_row;
    const actual = gradient.subarray(0, expected.length);
    tally.near(
      `first row of the gradient of ${label}`,
      actual,
      expected,
      goldenTolerance(expected),
    );
  }
  if (c.grad_logits_row_sums_abs !== undefined) {
    const expected = c.grad_logits_row_sums_abs;
    const actual = expected.map((_, row) => {
      const own = gradient.subarray(row * vocab, (row + 1) * vocab);
      return Array.from(own).reduce((sum, value) => sum + Math.abs(value), 0);
    });
    tally.near(`row sums of the gradient of ${label}`, actual, expected, goldenTolerance(expected));
  }
}

/** The settings of a golden case, in ours; its draw is not among them. */
function settingsOf({ implementation, loss, aggregation, params }: PolicyLossCase) {
  const method = { ppo_clip: PLAIN_PPO, clip_cov: CLIP_COV, kl_cov: KL_COV }[loss];
  const settings: PolicyLossSettings = {
    ...method,
    aggregation,
    clipLow: params["low"] ?? params["clip"] ?? method.clipLow,
    clipHigh: params["high"] ?? params["clip"] ?? method.clipHigh,
    dualClip: params["c"] ?? Infinity,
    largestLogRatio: loss === "ppo_clip" && implementation === "verl" ? 20 : Infinity,
    klCoefficient: params["ppo_kl_coef"] ?? 1,
  };
  const selecting: SelectionSettings = {
    clipCovRatio: params["clip_cov_ratio"] ?? params["clip_ratio"] ?? 0,
    klCovRatio: params["kl_cov_ratio"] ?? (params["k_percent"] ?? 0) / 100,
    covarianceLow: params["lb"] ?? 0,
    covarianceHigh: params["ub"] ?? 1,
    seed: 1,
  };
  return { settings, selecting };
}

async function comparePolicyLoss(
  gpu: Gpu,
  tally: Tally,
  { index, batch, c }: { index: number; batch: PolicyLossGroup["input"]; c: PolicyLossCase },
): Promise<void> {
  // The authors' code divides by zero where a response is empty.
  if (c.expected.loss === null) return;
  const { B, T } = batch;
  const { settings, selecting } = settingsOf(c);
  using logProb = gpu.tensor(batch.log_prob, [B, T]);
  using oldLogProb = gpu.tensor(batch.old_log_prob, [B, T]);
  using advantages = gpu.tensor(batch.advantages, [B, T]);
  using mask = gpu.tensor(Uint32Array.from(batch.mask), [B, T]);
  using covariance = emptyTokenCovariance(gpu, B * T);
  using selection = emptySelection(gpu, B * T);
  using out = emptyPolicyLoss(gpu, B, T);
  const tensors: PolicyLossTensors = { logProb, oldLogProb, advantages, mask };
  const label = `batch ${index}, ${c.implementation}, ${c.loss}, ${c.aggregation}, ${
    JSON.stringify(c.params)
  }`;
  let selected = selection.selected;
  using drawn = gpu.empty([B * T], "u32");
  if (settings.intervention !== "none") {
    const recorder = gpu.record("golden selection");
    selectTokens(recorder, {
      ...tensors,
      ...selecting,
      settings,
      out: { covariance, selection },
    });
    const [own] = await recorder.read(selection.selected);
    const theirs = c.loss === "clip_cov"
      ? drawOfClipCov(own, batch, c, selecting)
      : drawOfKlCov(own, batch, c, settings);
    tally.same(`number of selected tokens of ${label}`, [count(own)], [count(theirs)]);
    gpu.write(drawn, theirs);
    selected = drawn;
  }
  const recorder = gpu.record("golden policy loss");
  policyLoss(recorder, { ...tensors, selected, settings, out });
  const [gradient, metrics] = await recorder.read(out.gradLogProb, out.metrics);
  const actual = readMetrics(metrics);
  tally.near(
    `loss of ${label}`,
    [actual.loss],
    [c.expected.loss],
    goldenTolerance([c.expected.loss]),
  );
  const expected = c.expected.grad_log_prob.map((value) => value ?? 0);
  tally.near(`gradient of ${label}`, gradient, expected, goldenTolerance(expected));
  const named: Record<string, number> = {
    pg_clipfrac: actual.clipFraction,
    pg_clipfrac_lower: actual.clipFractionLower,
    ppo_kl: actual.ppoKl,
  };
  for (const [name, value] of Object.entries(c.expected.metrics)) {
    // The authors' KL-Cov logs a clip fraction of 0 whatever it does; ours has none of its own either.
    if (value === null || named[name] === undefined) continue;
    tally.near(`${name} of ${label}`, [named[name]], [value], goldenTolerance([value]));
  }
}

/**
 * The tokens that the golden run of Clip-Cov drew. All candidates where as many were drawn as there are;
 * else those of zero gradient, tokens of no advantage last, which have zero gradient anyway.
 */
function drawOfClipCov(
  own: ArrayLike<number>,
  batch: PolicyLossGroup["input"],
  c: PolicyLossCase,
  selecting: SelectionSettings,
): Uint32Array {
  const candidates = candidatesOf(batch, c, selecting);
  const drawn = count(own);
  if (candidates.length <= drawn) return marked(own.length, candidates);
  const zeroed = new Set(c.zeroed_tokens);
  const selected = candidates
    .filter((i) => zeroed.has(i))
    .sort((i, j) => Math.abs(batch.advantages[j]!) - Math.abs(batch.advantages[i]!));
  return marked(own.length, selected.slice(0, drawn));
}

function candidatesOf(
  batch: PolicyLossGroup["input"],
  { params }: PolicyLossCase,
  { covarianceLow, covarianceHigh }: SelectionSettings,
): number[] {
  const { covariance } = covarianceReference({
    logProb: batch.log_prob,
    advantages: batch.advantages,
    mask: batch.mask,
  });
  return Array.from(batch.mask.keys()).filter((i) => {
    const isWithin = covarianceLow < covariance[i]! && covariance[i]! < covarianceHigh;
    if (batch.mask[i] === 0 || !isWithin) return false;
    const ratio = Math.exp(batch.log_prob[i]! - batch.old_log_prob[i]!);
    const bounded = Math.min(1 + params["high"]!, Math.max(1 - params["low"]!, ratio));
    return -batch.advantages[i]! * bounded <= -batch.advantages[i]! * ratio;
  });
}

/**
 * The tokens that the golden run of KL-Cov took: ours, but where covariances are equal `torch.topk` may
 * take others of them, which their gradients tell.
 */
function drawOfKlCov(
  own: ArrayLike<number>,
  batch: PolicyLossGroup["input"],
  c: PolicyLossCase,
  { aggregation }: PolicyLossSettings,
): Uint32Array {
  const { covariance } = covarianceReference({
    logProb: batch.log_prob,
    advantages: batch.advantages,
    mask: batch.mask,
  });
  const indices = Array.from(batch.mask.keys());
  const selected = indices.filter((i) => own[i] === 1);
  const lowest = Math.min(...selected.map((i) => covariance[i]!));
  const isTied = (i: number) => batch.mask[i] !== 0 && Math.abs(covariance[i]! - lowest) < 1e-9;
  const tied = indices.filter(isTied);
  const drawn = selected.filter(isTied).length;
  if (tied.length === drawn) return marked(own.length, selected);
  // What KL-Cov adds to a selected token's gradient.
  const weights = aggregationWeights(batch.mask, batch.T, aggregation);
  const added = (i: number) => {
    const delta = batch.log_prob[i]! - batch.old_log_prob[i]!;
    const plain = -weights[i]! * batch.advantages[i]! * Math.exp(delta);
    return Math.sign(delta) * ((c.expected.grad_log_prob[i] ?? 0) - plain);
  };
  const byGradient = tied.sort((i, j) => added(j) - added(i));
  return marked(own.length, [
    ...selected.filter((i) => !isTied(i)),
    ...byGradient.slice(0, drawn),
  ]);
}

function marked(size: number, selected: readonly number[]): Uint32Array<ArrayBuffer> {
  const mask = new Uint32Array(size);
  for (const i of selected) mask[i] = 1;
  return mask;
}

function count(selected: ArrayLike<number>): number {
  return Array.from(selected).reduce((sum, value) => sum + value, 0);
}

async function compareKlPenalty(gpu: Gpu, tally: Tally, c: KlPenaltyCase): Promise<void> {
  const estimators: Record<keyof KlPenaltyCase["expected"], KlEstimator> = {
    kl: "k1",
    abs: "abs",
    mse: "k2",
    low_var_kl: "k3",
  };
  // One token is one batch, so that its mean is its own value.
  for (const [name, referenceKl] of Object.entries(estimators)) {
    const expected = c.expected[name as keyof KlPenaltyCase["expected"]];
    const recorder = gpu.record("golden KL");
    const made: Disposable[] = [];
    const metrics = c.log_prob.map((value, i) => {
      const logProb = gpu.tensor([value], [1, 1]);
      const referenceLogProb = gpu.tensor([c.ref_log_prob[i]!], [1, 1]);
      const mask = gpu.tensor(Uint32Array.of(1), [1, 1]);
      const out = emptyPolicyLoss(gpu, 1, 1);
      made.push(logProb, referenceLogProb, mask, out);
      policyLoss(recorder, {
        logProb,
        oldLogProb: logProb,
        advantages: logProb,
        mask,
        referenceLogProb,
        settings: { ...PLAIN_PPO, referenceKl, referenceCoefficient: 1 },
        out,
      });
      return out.metrics;
    });
    const read = await recorder.read(...metrics);
    for (const tensor of made) tensor[Symbol.dispose]();
    const actual = read.map((values) => readMetrics(values).referenceKl);
    tally.near(`${name}`, actual, expected, goldenTolerance(expected));
  }
}
