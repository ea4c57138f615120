import { ReadError } from "../../formats/errors.ts";
import { CompensatedSum } from "./compensated_sum.ts";
import { covarianceAbout, type RatioStatistics, type TokenDump } from "./dump.ts";
import { type Histogram, HistogramCounter } from "./histogram.ts";
import { selectLargest } from "./select_largest.ts";
import {
  checkSettings,
  type CovarianceSettings,
  DEFAULT_SETTINGS,
  type Definition,
} from "./settings.ts";
import { chooser, type CovarianceToken, describeToken, isCandidate } from "./touched.ts";

/** A group of Table 1. */
export interface CovarianceGroup {
  /** The share of the response tokens that it holds, those of highest covariance. */
  readonly share: number;
  /** How many they are: max(⌊share·N⌋, 1). */
  readonly tokens: number;
  /** Their mean covariance. */
  readonly mean: number;
}

/** What a method touches. */
export interface MethodReport {
  /** Whose definition of the method. */
  readonly definition: Definition;
  /** The share of tokens that was asked for. */
  readonly ratio: number;
  /** The number of tokens that the definition makes of it. */
  readonly asked: number;
  /** The number of tokens that are touched. */
  readonly touched: number;
  /** Their share of the response tokens. */
  readonly share: number;
  /**
   * The sum of their covariances over that of all response tokens; null if the latter is 0, or so small that
   * the ratio overflows.
   */
  readonly covarianceShare: number | null;
  /** The same of covariances above 0 only. */
  readonly positiveShare: number | null;
}

/** What KL-Cov touches. */
export interface KlCovReport extends MethodReport {
  /** The lowest covariance that is touched; null if none is. */
  readonly threshold: number | null;
  /** How many tokens with exactly this covariance are touched: the first in the order of the dump. */
  readonly atThreshold: number;
}

/** What Clip-Cov touches. */
export interface ClipCovReport extends MethodReport {
  /** The covariance above which a token is a candidate. */
  readonly low: number;
  /** The covariance below which a token is a candidate. */
  readonly high: number;
  /** Seed of the sample. */
  readonly seed: number;
  /** The number of candidates. */
  readonly candidates: number;
}

/** The token covariances of one batch. */
export interface CovarianceReport {
  /** Number of response tokens. */
  readonly tokens: number;
  /** Mean of ln π, in nats. */
  readonly meanLogProb: number;
  /** Mean advantage. */
  readonly meanAdvantage: number;
  /** Mean covariance (paper, Eq. 10). */
  readonly meanCovariance: number;
  /** The lowest and the highest covariance; both 0 if the batch has no signal. */
  readonly range: readonly [number, number];
  /** Table 1 of the paper: the top 0.02, 0.2, 2, 20, 50 % of the tokens, and all. */
  readonly groups: readonly CovarianceGroup[];
  /** KL-Cov. */
  readonly klCov: KlCovReport;
  /** Clip-Cov. */
  readonly clipCov: ClipCovReport;
  /** The change of the policy since the rollout, where the dump tells it. */
  readonly ratio?: RatioStatistics;
  /** The tokens of highest covariance, at most ten, the highest first. */
  readonly highest: readonly CovarianceToken[];
  /** Counts of the covariances. */
  readonly histogram: Histogram;
}

/** The groups of the paper's Table 1, but for the last, which is all tokens. */
const SHARES = [0.0002, 0.002, 0.02, 0.2, 0.5];
const SHOWN = 10;
/** Leaves room below the largest float64 for sums and for the axis of a picture. */
const LARGEST = 1e300;

/**
 * The covariance of each response token (paper, Eq. 10) over a batch: its mean, its concentration
 * (Table 1), and which tokens Clip-Cov and KL-Cov touch. Everything is exact in float64, by passes over
 * the dump.
 *
 * @throws {ReadError} if the covariances overflow.
 * @throws {UserError} if a setting is out of range.
 */
export function covarianceReport(
  tokens: TokenDump,
  settings: CovarianceSettings = DEFAULT_SETTINGS,
): CovarianceReport {
  checkSettings(settings);
  const count = tokens.tokens;
  const { total, positive, range, candidates } = survey(tokens, settings);
  const groupSizes = SHARES.map((share) => Math.max(Math.floor(share * count), 1));
  const { klCount, clipCount } = askedCounts(settings, count);
  const selected = selectLargest(
    () => tokens.covariances(),
    [...groupSizes, ...(klCount > 0 ? [klCount] : [])],
  );
  const kl = selected[SHARES.length];
  const { definition, klRatio, clipRatio, low, high, seed } = settings;
  const choices = {
    klCov: {
      ...untouched(definition, klRatio, klCount),
      touched: klCount,
      threshold: kl?.value ?? null,
      atThreshold: kl === undefined ? 0 : klCount - kl.greater,
    },
    clipCov: {
      ...untouched(definition, clipRatio, clipCount),
      touched: Math.min(clipCount, candidates),
      low,
      high,
      seed,
      candidates,
    },
  };

  const choose = chooser(choices);
  const sums = { "kl-cov": new TouchedSum(), "clip-cov": new TouchedSum() };
  const groupValues = selected.slice(0, SHARES.length).map(({ value }) => value);
  const above = new SumsAbove(groupValues);
  const histogram = new HistogramCounter(...range);
  const highest = new Highest();
  for (const block of tokens.blocks()) {
    for (let i = 0; i < block.logProb.length; i++) {
      const covariance = covarianceAbout(tokens, block.logProb[i]!, block.advantage[i]!);
      const methods = choose(block, i, covariance);
      for (const method of methods) sums[method].add(covariance);
      above.add(covariance);
      histogram.add(covariance);
      if (highest.takes(covariance)) {
        highest.add(describeToken(tokens, block, i, covariance, methods));
      }
    }
  }
  const shares = (touched: number, sum: TouchedSum) => ({
    share: touched / count,
    covarianceShare: ratioOf(sum.all.value, total),
    positiveShare: ratioOf(sum.positive.value, positive),
  });
  const groups = SHARES.map((share, i) => {
    const [size, { value, greater }] = [groupSizes[i]!, selected[i]!];
    return { share, tokens: size, mean: (above.sum(i) + (size - greater) * value) / size };
  });
  const meanCovariance = total / count;
  return {
    tokens: count,
    meanLogProb: tokens.meanLogProb,
    meanAdvantage: tokens.meanAdvantage,
    meanCovariance,
    range,
    groups: [...groups, { share: 1, tokens: count, mean: meanCovariance }],
    klCov: { ...choices.klCov, ...shares(choices.klCov.touched, sums["kl-cov"]) },
    clipCov: { ...choices.clipCov, ...shares(choices.clipCov.touched, sums["clip-cov"]) },
    ...(tokens.ratio === undefined ? {} : { ratio: tokens.ratio }),
    highest: highest.tokens,
    histogram: histogram.finish(),
  };
}

/** null where there is nothing to compare with, or so little that the ratio overflows. */
function ratioOf(part: number, whole: number): number | null {
  const ratio = part / whole;
  return Number.isFinite(ratio) ? ratio : null;
}

interface Survey {
  total: number;
  positive: number;
  range: readonly [number, number];
  candidates: number;
}

/** What has to be known of all covariances before any token can be chosen. */
function survey(tokens: TokenDump, settings: CovarianceSettings): Survey {
  const sum = new TouchedSum();
  let [lowest, highest, candidates] = [Infinity, -Infinity, 0];
  for (const { logProb, oldLogProb, advantage } of tokens.blocks()) {
    for (let i = 0; i < logProb.length; i++) {
      const covariance = covarianceAbout(tokens, logProb[i]!, advantage[i]!);
      sum.add(covariance);
      if (covariance < lowest) lowest = covariance;
      if (covariance > highest) highest = covariance;
      if (isCandidate(settings, covariance, logProb[i]!, oldLogProb[i]!, advantage[i]!)) {
        candidates++;
      }
    }
  }
  const [total, positive] = [sum.all.value, sum.positive.value];
  if (![lowest, highest, total, positive].every((value) => Math.abs(value) < LARGEST)) {
    throw new ReadError(
      `${tokens.source}: the log-probabilities or advantages are so large that the covariances overflow.`,
    );
  }
  return { total, positive, range: [lowest, highest], candidates };
}

/** How many tokens the definitions ask for, before candidates run out. */
function askedCounts(
  { definition, klRatio, clipRatio }: CovarianceSettings,
  count: number,
): { klCount: number; clipCount: number } {
  const atLeast = definition === "verl" ? 1 : 0;
  return {
    // verl leaves KL-Cov out where its ratio is 0.
    klCount: klRatio === 0 ? 0 : Math.max(Math.floor(klRatio * count), atLeast),
    clipCount: Math.max(Math.floor(clipRatio * count), atLeast),
  };
}

function untouched(definition: Definition, ratio: number, asked: number): MethodReport {
  return {
    definition,
    ratio,
    asked,
    touched: 0,
    share: 0,
    covarianceShare: null,
    positiveShare: null,
  };
}

/** The sum of covariances, and of those above 0. */
class TouchedSum {
  readonly all = new CompensatedSum();
  readonly positive = new CompensatedSum();

  add(covariance: number): void {
    this.all.add(covariance);
    if (covariance > 0) this.positive.add(covariance);
  }
}

/** For each of several bounds, the sum of the values above it. */
class SumsAbove {
  #bounds: readonly number[];
  #ascending: Float64Array;
  /** `#bands[j]`: the sum of the values above j bounds and no more. */
  #bands: CompensatedSum[];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#ascending = Float64Array.from(bounds).sort();
    this.#bands = Array.from({ length: bounds.length + 1 }, () => new CompensatedSum());
  }

  add(value: number): void {
    let band = 0;
    while (band < this.#ascending.length && value > this.#ascending[band]!) band++;
    this.#bands[band]!.add(value);
  }

  /** The sum of the values above `bounds[i]`. */
  sum(i: number): number {
    const first = this.#ascending.lastIndexOf(this.#bounds[i]!) + 1;
    const sum = new CompensatedSum();
    for (const band of this.#bands.slice(first)) sum.add(band.value);
    return sum.value;
  }
}

/** The few tokens of highest covariance, of equal ones the first. */
class Highest {
  readonly tokens: CovarianceToken[] = [];

  takes(covariance: number): boolean {
    return this.tokens.length < SHOWN || covariance > this.tokens[SHOWN - 1]!.covariance;
  }

  add(token: CovarianceToken): void {
    const place = this.tokens.findIndex(({ covariance }) => token.covariance > covariance);
    this.tokens.splice(place < 0 ? this.tokens.length : place, 0, token);
    if (this.tokens.length > SHOWN) this.tokens.pop();
  }
}
