import { type Gpu } from "../runtime/gpu.ts";
import { covarianceReference } from "../covariance/covariance_reference.ts";
import {
  emptyPolicyLoss,
  policyLoss,
  type PolicyLossTensors,
  readMetrics,
} from "../policy_loss/policy_loss.ts";
import { aggregationWeights } from "../policy_loss/policy_loss_reference.ts";
import { restrictTokens } from "../policy_loss/restrict.ts";
import {
  type Aggregation,
  CLIP_COV,
  KL_COV,
  type KlEstimator,
  PLAIN_PPO,
  type PolicyLossSettings,
} from "../policy_loss/settings.ts";
import { emptyTokenCovariance } from "../covariance/token_covariance.ts";
import { emptySelection } from "../selection/selection.ts";
import { emptyTokenStatistics, tokenStatistics } from "../softmax/token_statistics.ts";
import { tokenStatisticsBackward } from "../softmax/token_statistics_backward.ts";
import { type Check, golden, type Tally } from "./check.ts";

/** What implementations in use computed in float64: the parsed files of tests/golden. */
export interface GoldenFiles {
  /** softmax.json. */
  readonly softmax?: readonly SoftmaxCase[];
  /** policy_loss.json. */
  readonly policyLoss?: readonly PolicyLossGroup[];
  /** kl_penalty.json. */
  readonly klPenalty?: readonly KlPenaltyCase[];
}

/** A case of softmax.json. */
export interface SoftmaxCase {
  /** Number of rows. */
  readonly rows: number;
  /** Number of columns. */
  readonly vocab: number;
  /** Divides the logits. */
  readonly temperature: number;
  /** Rows × vocab. */
  readonly logits: readonly number[];
  /** One for each row. */
  readonly targets: readonly number[];
  /** Expected log-probabilities. */
  readonly log_prob: readonly number[];
  /** Expected entropies. */
  readonly entropy: readonly number[];
  /** Expected log Z. */
  readonly log_z: readonly number[];
  /** Gradient with respect to the log-probabilities. */
  readonly upstream_log_prob: readonly number[];
  /** Gradient with respect to the entropies. */
  readonly upstream_entropy: readonly number[];
  /** Expected gradient with respect to the logits, of small vocabularies. */
  readonly grad_logits?: readonly number[];
  /** The beginning of its first row, of large ones. */
  readonly grad_logits_first_row?: readonly number[];
  /** The sum of its absolute values in each row, of large ones. */
  readonly grad_logits_row_sums_abs?: readonly number[];
}

/** A batch of policy_loss.json and its cases. */
export interface PolicyLossGroup {
  /** The batch, B × T. */
  readonly input: {
    readonly B: number;
    readonly T: number;
    readonly log_prob: readonly number[];
    readonly old_log_prob: readonly number[];
    readonly advantages: readonly number[];
    readonly mask: readonly number[];
  };
  /** What was computed of it. */
  readonly cases: readonly PolicyLossCase[];
}

/** A case of policy_loss.json. */
export interface PolicyLossCase {
  /** verl or authors. */
  readonly implementation: string;
  /** Which loss. */
  readonly loss: "ppo_clip" | "clip_cov" | "kl_cov";
  /** How token losses become one. */
  readonly aggregation: Aggregation;
  /** The settings, in the names of the implementation. */
  readonly params: Readonly<Record<string, number>>;
  /** Response tokens of zero gradient, of Clip-Cov. */
  readonly zeroed_tokens?: readonly number[];
  /** The results; null where not finite. */
  readonly expected: {
    readonly loss: number | null;
    readonly grad_log_prob: readonly (number | null)[];
    readonly metrics: Readonly<Record<string, number | null>>;
  };
}

/** A case of kl_penalty.json. */
export interface KlPenaltyCase {
  /** Log-probabilities of the policy. */
  readonly log_prob: readonly number[];
  /** Those of the reference. */
  readonly ref_log_prob: readonly number[];
  /** Estimates of the KL, by verl's names. */
  readonly expected: Readonly<Record<"kl" | "abs" | "mse" | "low_var_kl", readonly number[]>>;
}

/** Vocabularies from here on are granted this error of the entropy. */
const LARGE_VOCABULARY = 32_000;
const LARGE_VOCABULARY_ENTROPY = 2e-5;

/** The checks of the golden cases that are there. */
export function goldenChecks({ softmax, policyLoss, klPenalty }: GoldenFiles): Check[] {
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
          for (const c of group.cases) await comparePolicyLoss(gpu, tally, i, group.input, c);
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
  tokenStatistics(recorder, logits, targets, statistics, { temperature });
  tokenStatisticsBackward(recorder, {
    logits,
    targets,
    statistics,
    temperature,
    gradLogProb,
    gradEntropy,
    gradLogits,
  });
  const [logProb, entropy, logZ, gradient] = await recorder.read(
    statistics.logProb,
    statistics.entropy,
    statistics.logZ,
    gradLogits,
  );
  const label = `case ${i}, [${rows}, ${vocab}] at temperature ${temperature}`;
  tally.near(`log-prob of ${label}`, logProb!, c.log_prob, golden(c.log_prob));
  const limit = vocab >= LARGE_VOCABULARY ? LARGE_VOCABULARY_ENTROPY : golden(c.entropy);
  tally.near(`entropy of ${label}`, entropy!, c.entropy, limit);
  tally.near(`log Z of ${label}`, logZ!, c.log_z, golden(c.log_z));
  if (c.grad_logits !== undefined) {
    tally.near(`gradient of ${label}`, gradient!, c.grad_logits, golden(c.grad_logits));
  }
  if (c.grad_logits_first_row !== undefined) {
    const expected = c.grad_logits_first_row;
    const actual = gradient!.subarray(0, expected.length);
    tally.near(`first row of the gradient of ${label}`, actual, expected, golden(expected));
  }
  if (c.grad_logits_row_sums_abs !== undefined) {
    const expected = c.grad_logits_row_sums_abs;
    const actual = expected.map((_, row) => {
      const own = gradient!.subarray(row * vocab, (row + 1) * vocab);
      return Array.from(own).reduce((sum, value) => sum + Math.abs(value), 0);
    });
    tally.near(`row sums of the gradient of ${label}`, actual, expected, golden(expected));
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
  const ratio = params["clip_cov_ratio"] ?? params["clip_ratio"] ?? params["kl_cov_ratio"] ??
    (params["k_percent"] ?? 0) / 100;
  const restriction = { ratio, low: params["lb"] ?? 0, high: params["ub"] ?? 1, seed: 1 };
  return { settings, restriction };
}

async function comparePolicyLoss(
  gpu: Gpu,
  tally: Tally,
  i: number,
  batch: PolicyLossGroup["input"],
  c: PolicyLossCase,
): Promise<void> {
  // The authors' code divides by zero where a response is empty.
  if (c.expected.loss === null) return;
  const { B, T } = batch;
  const { settings, restriction } = settingsOf(c);
  using logProb = gpu.tensor(batch.log_prob, [B, T]);
  using oldLogProb = gpu.tensor(batch.old_log_prob, [B, T]);
  using advantages = gpu.tensor(batch.advantages, [B, T]);
  using mask = gpu.tensor(Uint32Array.from(batch.mask), [B, T]);
  using covariance = emptyTokenCovariance(gpu, B * T);
  using selection = emptySelection(gpu, B * T);
  using out = emptyPolicyLoss(gpu, B, T);
  const tensors: PolicyLossTensors = { logProb, oldLogProb, advantages, mask };
  const label = `batch ${i}, ${c.implementation}, ${c.loss}, ${c.aggregation}, ${
    JSON.stringify(c.params)
  }`;
  let selected = selection.selected;
  using drawn = gpu.empty([B * T], "u32");
  if (settings.intervention !== "none") {
    const recorder = gpu.record("golden selection");
    restrictTokens(recorder, tensors, settings, restriction, covariance, selection);
    const [own] = await recorder.read(selection.selected);
    const theirs = c.loss === "clip_cov"
      ? drawOfClipCov(own!, batch, c, restriction)
      : drawOfKlCov(own!, batch, c, settings);
    tally.same(`number of restricted tokens of ${label}`, [count(own!)], [count(theirs)]);
    gpu.write(drawn, theirs);
    selected = drawn;
  }
  const recorder = gpu.record("golden policy loss");
  policyLoss(recorder, { ...tensors, selected }, settings, out);
  const [gradient, metrics] = await recorder.read(out.gradLogProb, out.metrics);
  const actual = readMetrics(metrics!);
  tally.near(`loss of ${label}`, [actual.loss], [c.expected.loss], golden([c.expected.loss]));
  const expected = c.expected.grad_log_prob.map((value) => value ?? 0);
  tally.near(`gradient of ${label}`, gradient!, expected, golden(expected));
  const named: Record<string, number> = {
    pg_clipfrac: actual.clipFraction,
    pg_clipfrac_lower: actual.clipFractionLower,
    ppo_kl: actual.ppoKl,
  };
  for (const [name, value] of Object.entries(c.expected.metrics)) {
    // The authors' KL-Cov logs a clip fraction of 0 whatever it does; ours has none of its own either.
    if (value === null || named[name] === undefined) continue;
    tally.near(`${name} of ${label}`, [named[name]], [value], golden([value]));
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
  { low, high }: { low: number; high: number },
): Uint32Array {
  const candidates = candidatesOf(batch, c, low, high);
  const drawn = count(own);
  if (candidates.length <= drawn) return marked(own.length, candidates);
  const zeroed = new Set(c.zeroed_tokens);
  const chosen = candidates
    .filter((i) => zeroed.has(i))
    .sort((i, j) => Math.abs(batch.advantages[j]!) - Math.abs(batch.advantages[i]!));
  return marked(own.length, chosen.slice(0, drawn));
}

function candidatesOf(
  batch: PolicyLossGroup["input"],
  { params }: PolicyLossCase,
  low: number,
  high: number,
): number[] {
  const { covariance } = covarianceReference({
    logProb: batch.log_prob,
    advantages: batch.advantages,
    mask: batch.mask,
  });
  return Array.from(batch.mask.keys()).filter((i) => {
    if (batch.mask[i] === 0 || !(low < covariance[i]! && covariance[i]! < high)) return false;
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
  const chosen = indices.filter((i) => own[i] === 1);
  const lowest = Math.min(...chosen.map((i) => covariance[i]!));
  const isTied = (i: number) => batch.mask[i] !== 0 && Math.abs(covariance[i]! - lowest) < 1e-9;
  const tied = indices.filter(isTied);
  const drawn = chosen.filter(isTied).length;
  if (tied.length === drawn) return marked(own.length, chosen);
  // What KL-Cov adds to a selected token's gradient.
  const weights = aggregationWeights(batch.mask, batch.T, aggregation);
  const added = (i: number) => {
    const delta = batch.log_prob[i]! - batch.old_log_prob[i]!;
    const plain = -weights[i]! * batch.advantages[i]! * Math.exp(delta);
    return Math.sign(delta) * ((c.expected.grad_log_prob[i] ?? 0) - plain);
  };
  const byGradient = tied.sort((i, j) => added(j) - added(i));
  return marked(own.length, [
    ...chosen.filter((i) => !isTied(i)),
    ...byGradient.slice(0, drawn),
  ]);
}

function marked(size: number, chosen: readonly number[]): Uint32Array<ArrayBuffer> {
  const mask = new Uint32Array(size);
  for (const i of chosen) mask[i] = 1;
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
      policyLoss(
        recorder,
        { logProb, oldLogProb: logProb, advantages: logProb, mask, referenceLogProb },
        { ...PLAIN_PPO, referenceKl, referenceCoefficient: 1 },
        out,
      );
      return out.metrics;
    });
    const read = await recorder.read(...metrics);
    for (const tensor of made) tensor[Symbol.dispose]();
    const actual = read.map((values) => readMetrics(values).referenceKl);
    tally.near(`${name}`, actual, expected, golden(expected));
  }
}
