/** One metric over training: `values[i]` was logged for `steps[i]`; steps ascend and do not repeat. */
export interface Series {
  /** Training steps as the log counts them. */
  readonly steps: Float64Array;
  /** Finite values, one per step. */
  readonly values: Float64Array;
}

/** How often a key occurred in a log. */
export interface KeyCount {
  /** Finite numbers logged under the key. */
  finite: number;
  /** NaN, infinite or null values logged under the key; they are in no series. */
  notFinite: number;
}

/**
 * What a second value for the same key and step means. `last`: the run was resumed and repeated the
 * step, the last value holds. `mean`: rows that follow one another are updates within the step, so
 * they are averaged; a later return to the step is still a resumed run.
 */
export type RepeatRule = "last" | "mean";

/** Collects `(step, key, value)` in the order of the log; only the kept keys cost memory. */
export class SeriesCollector {
  /** Every key seen, kept or not. */
  readonly counts: Map<string, KeyCount> = new Map();
  /** First and last step of any entry. */
  readonly steps: { first: number; last: number } = { first: Infinity, last: -Infinity };
  #columns = new Map<string, Column | undefined>();
  #keep: (key: string) => boolean;
  #repeat: RepeatRule;

  /** A collector that stores the keys for which `keep` holds and counts all others. */
  constructor(keep: (key: string) => boolean, repeat: RepeatRule) {
    this.#keep = keep;
    this.#repeat = repeat;
  }

  /** Adds one logged number; a value that is not finite is counted and left out. */
  add(step: number, key: string, value: number): void {
    if (step < this.steps.first) this.steps.first = step;
    if (step > this.steps.last) this.steps.last = step;
    let count = this.counts.get(key);
    if (count === undefined) {
      count = { finite: 0, notFinite: 0 };
      this.counts.set(key, count);
      this.#columns.set(key, this.#keep(key) ? new Column() : undefined);
    }
    if (!Number.isFinite(value)) {
      count.notFinite++;
      return;
    }
    count.finite++;
    this.#columns.get(key)?.add(step, value, this.#repeat);
  }

  /** The kept series that hold at least one value. */
  finish(): Map<string, Series> {
    const series = new Map<string, Series>();
    for (const [key, column] of this.#columns) {
      if (column && column.length > 0) series.set(key, column.finish());
    }
    return series;
  }
}

/** Values are kept in blocks of this many, so that a long log is never copied while it grows. */
const BLOCK = 1 << 12;

class Column {
  length = 0;
  #blocks: { steps: Float64Array; values: Float64Array }[] = [];
  /** How many rows the last value is the mean of. */
  #rows = 0;
  #ascending = true;

  add(step: number, value: number, repeat: RepeatRule): void {
    const at = this.length % BLOCK;
    const block = this.#blocks.at(-1);
    if (block !== undefined) {
      const last = (at + BLOCK - 1) % BLOCK;
      if (block.steps[last] === step) {
        this.#rows = repeat === "mean" ? this.#rows + 1 : 1;
        block.values[last]! += (value - block.values[last]!) / this.#rows;
        return;
      }
      if (step < block.steps[last]!) this.#ascending = false;
    }
    if (at === 0) {
      this.#blocks.push({ steps: new Float64Array(BLOCK), values: new Float64Array(BLOCK) });
    }
    const { steps, values } = this.#blocks.at(-1)!;
    steps[at] = step;
    values[at] = value;
    this.length++;
    this.#rows = 1;
  }

  finish(): Series {
    const steps = this.#joined("steps");
    const values = this.#joined("values");
    if (this.#ascending) return { steps, values };
    const latest = new Map<number, number>();
    for (let i = 0; i < this.length; i++) latest.set(steps[i]!, values[i]!);
    const ordered = Float64Array.from(latest.keys()).sort();
    return { steps: ordered, values: ordered.map((step) => latest.get(step)!) };
  }

  #joined(name: "steps" | "values"): Float64Array {
    const whole = new Float64Array(this.length);
    for (const [i, block] of this.#blocks.entries()) {
      whole.set(block[name].subarray(0, this.length - i * BLOCK), i * BLOCK);
    }
    return whole;
  }
}
