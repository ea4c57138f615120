import { ReadError } from "../../formats/errors.ts";
import { CompensatedSum } from "./compensated_sum.ts";
import { checkSettings, type CovarianceSettings, DEFAULT_SETTINGS } from "./covariance_settings.ts";
import { covarianceAbout, type RatioStatistics, type TokenDump } from "./dump.ts";
import { type Histogram, HistogramCounter } from "./histogram.ts";
import type { MethodReports } from "./method_report.ts";
import { selectLargest } from "./select_largest.ts";
import { type CovarianceToken, describeToken, isCandidate, selector } from "./selected_tokens.ts";

/** A group of Table 1. */
export interface CovarianceGroup {
  /** The share of the response tokens that it holds, those of highest covariance. */
  readonly share: number;
  /** How many they are: max(⌊share·N⌋, 1). */
  readonly tokens: number;
  /** Their mean covariance. */
  readonly mean: number;
}

/** The token covariances of one batch, and what both methods select of it. */
export interface CovarianceReport extends MethodReports {
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
 * (Table 1), and which tokens Clip-Cov and KL-Cov select. By passes over the dump, in float64: ranks and
 * thresholds are exact, sums compensated.
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
  const ranked = selectLargest(
    () => tokens.covariances(),
    [...groupSizes, ...(klCount > 0 ? [klCount] : [])],
  );
  const kl = ranked[SHARES.length];
  const { definition, klCovRatio, clipCovRatio, covarianceLow, covarianceHigh, seed } = settings;
  const nothing = { share: 0, covarianceShare: null, positiveShare: null };
  const methods: MethodReports = {
    klCov: {
      definition,
      klCovRatio,
      asked: klCount,
      selected: klCount,
      ...nothing,
      threshold: kl?.value ?? null,
      atThreshold: kl === undefined ? 0 : klCount - kl.greater,
    },
    clipCov: {
      definition,
      clipCovRatio,
      asked: clipCount,
      selected: Math.min(clipCount, candidates),
      ...nothing,
      covarianceLow,
      covarianceHigh,
      seed,
      candidates,
    },
  };

  const select = selector(methods);
  const sums = { "kl-cov": new CovarianceSum(), "clip-cov": new CovarianceSum() };
  const groupValues = ranked.slice(0, SHARES.length).map(({ value }) => value);
  const above = new SumsAbove(groupValues);
  const histogram = new HistogramCounter(...range);
  const highest = new Highest();
  for (const block of tokens.blocks()) {
    for (let i = 0; i < block.logProb.length; i++) {
      const covariance = covarianceAbout(tokens, block.logProb[i]!, block.advantage[i]!);
      const selectedBy = select(block, i, covariance);
      for (const method of selectedBy) sums[method].add(covariance);
      above.add(covariance);
      histogram.add(covariance);
      if (highest.takes(covariance)) {
        highest.add(describeToken(tokens, block, i, { covariance, methods: selectedBy }));
      }
    }
  }
  const shares = (selected: number, sum: CovarianceSum) => ({
    share: selected / count,
    covarianceShare: ratioOf(sum.all.value, total),
    positiveShare: ratioOf(sum.positive.value, positive),
  });
  const groups = SHARES.map((share, i) => {
    const [size, { value, greater }] = [groupSizes[i]!, ranked[i]!];
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
    klCov: { ...methods.klCov, ...shares(methods.klCov.selected, sums["kl-cov"]) },
    clipCov: { ...methods.clipCov, ...shares(methods.clipCov.selected, sums["clip-cov"]) },
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

/** What has to be known of all covariances before any token can be selected. */
function survey(tokens: TokenDump, settings: CovarianceSettings): Survey {
  const sum = new CovarianceSum();
  let [lowest, highest, candidates] = [Infinity, -Infinity, 0];
  for (const block of tokens.blocks()) {
    for (let i = 0; i < block.logProb.length; i++) {
      const covariance = covarianceAbout(tokens, block.logProb[i]!, block.advantage[i]!);
      sum.add(covariance);
      if (covariance < lowest) lowest = covariance;
      if (covariance > highest) highest = covariance;
      if (isCandidate(settings, block, i, covariance)) {
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
  { definition, klCovRatio, clipCovRatio }: CovarianceSettings,
  count: number,
): { klCount: number; clipCount: number } {
  const atLeast = definition === "verl" ? 1 : 0;
  return {
    // verl leaves KL-Cov out where its ratio is 0.
    klCount: klCovRatio === 0 ? 0 : Math.max(Math.floor(klCovRatio * count), atLeast),
    clipCount: Math.max(Math.floor(clipCovRatio * count), atLeast),
  };
}

/** The sum of covariances, and of those above 0. */
class CovarianceSum {
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
