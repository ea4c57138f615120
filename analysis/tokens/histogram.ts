/** Counts of values in bins of equal width on a symmetric logarithmic scale. */
export interface Histogram {
  /** Bounds of the bins, ascending, one more than there are bins. */
  readonly edges: readonly number[];
  /** How many values each bin holds. */
  readonly counts: readonly number[];
}

/** Below this size the scale is about linear, above it logarithmic. */
export const SYMLOG_CONSTANT = 0.1;
const BINS = 100;
/** A range below this share of its ends, or below this size, is one bin: it has no inner bounds. */
const NARROW_SHARE = 1e-9;
const NARROW = 1e-200;
/** Half the width of a single bin, on the scale. */
const MARGIN = 0.1;

/** sign(x)·ln(1 + |x|/c), as Vega's scale `symlog`. */
function symlog(value: number): number {
  return Math.sign(value) * Math.log1p(Math.abs(value) / SYMLOG_CONSTANT);
}

function symexp(value: number): number {
  return Math.sign(value) * SYMLOG_CONSTANT * Math.expm1(Math.abs(value));
}

/** Counts values from `lowest` to `highest` one by one; bounds that are alike make one bin. */
export class HistogramCounter {
  #start: number;
  #width: number;
  #counts: Float64Array;
  #edges: number[];

  /** Empty bins over a range. */
  constructor(lowest: number, highest: number) {
    const size = Math.max(Math.abs(lowest), Math.abs(highest));
    const isNarrow = highest - lowest <= Math.max(NARROW_SHARE * size, NARROW);
    const bins = isNarrow ? 1 : BINS;
    const margin = isNarrow ? MARGIN : 0;
    const end = symlog(highest) + margin;
    this.#start = symlog(lowest) - margin;
    this.#width = (end - this.#start) / bins;
    this.#counts = new Float64Array(bins);
    this.#edges = Array.from(
      { length: bins + 1 },
      (_, i) => symexp(this.#start + i * this.#width),
    );
  }

  /** Counts a value within the range. */
  add(value: number): void {
    const bin = Math.floor((symlog(value) - this.#start) / this.#width);
    this.#counts[Math.min(Math.max(bin, 0), this.#counts.length - 1)]!++;
  }

  /** The bins with their counts. */
  finish(): Histogram {
    return { edges: this.#edges, counts: Array.from(this.#counts) };
  }
}
