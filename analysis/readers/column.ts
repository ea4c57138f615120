import { isBeginning, type Segment, type Starts } from "./restarts.ts";
import { distinct, placeOf, type Series } from "./series.ts";

/**
 * What a second value for the same key and step means. `last`: the run was resumed and repeated the
 * step, the last value holds. `mean`: rows that follow one another are updates within the step, so
 * they are averaged; a later return to the step is still a resumed run.
 */
export type RepeatRule = "last" | "mean";

/** A full block holds this many values: so much memory goes back to the system when it is freed. */
const BLOCK = 1 << 14;

/** Most metrics are logged at the same steps, which are then kept once for all of them. */
export class SharedSteps {
  #blocks: Float64Array[] = [];
  #whole: Float64Array | undefined;

  /** The steps of a column's block, or equal ones that another column has in its place. */
  block(place: number, steps: Float64Array): Float64Array {
    const known = this.#blocks[place];
    if (known !== undefined && isEqual(known, steps)) return known;
    this.#blocks[place] = steps;
    return steps;
  }

  /** All steps of a column, or equal ones of the column before it. */
  whole(steps: Float64Array): Float64Array {
    if (this.#whole === undefined || !isEqual(this.#whole, steps)) return this.#whole = steps;
    free(steps);
    return this.#whole;
  }
}

/** Fewer numbers cost more to give back than to keep. */
const FEWEST_FREED = 1 << 7;

/** Gives memory back at once: the collector of garbage may come late for it. */
function free(numbers: Float64Array): void {
  if (numbers.length >= FEWEST_FREED) (numbers.buffer as ArrayBuffer).transfer(0);
}

function isEqual(left: Float64Array, right: Float64Array): boolean {
  return left.length === right.length && left.every((value, i) => value === right[i]);
}

/** Values are kept in blocks, so that a long log is never copied while it grows, nor a short one large. */
export class Column {
  length = 0;
  /** How often the last step was logged once more, and its value replaced. */
  again = 0;
  /** Full blocks. */
  #blocks: { steps: Float64Array; values: Float64Array }[] = [];
  /** The block that grows. */
  #steps: number[] = [];
  #values: number[] = [];
  /** How many rows the last value is the mean of. */
  #rows = 0;
  #ascending = true;
  #shared: SharedSteps;
  #starts: Starts;
  /** Where each start begins that has values, the current one last; undefined while there is but the first. */
  #begins: { start: number; at: number }[] | undefined;
  #start = 0;
  /** Number of values before the start. */
  #at = 0;
  #first = Infinity;
  #whole: Series | undefined;

  constructor(shared: SharedSteps, starts: Starts) {
    this.#shared = shared;
    this.#starts = starts;
  }

  add(step: number, value: number, repeat: RepeatRule): void {
    const last = this.#steps.length - 1;
    if (last >= 0 && step < this.#steps[last]! && isBeginning(step, this.#first)) {
      this.#starts.again(this.#start, this.length - this.#at);
    }
    if (this.length === 0) this.#first = step;
    if (this.#start !== this.#starts.current) this.#begin(step);
    else if (last >= 0 && this.#steps[last] === step) {
      if (repeat === "last") this.again++;
      this.#rows = repeat === "mean" ? this.#rows + 1 : 1;
      const mean = this.#values[last]!;
      this.#values[last] = mean + (value - mean) / this.#rows;
      return;
    }
    if (last >= 0 && step < this.#steps[last]!) this.#ascending = false;
    // The last value stays in the block that grows, as the next row may be of the same step.
    if (this.#steps.length > BLOCK) {
      this.#blocks.push({
        steps: this.#shared.block(
          this.#blocks.length,
          Float64Array.from(this.#steps.splice(0, BLOCK)),
        ),
        values: Float64Array.from(this.#values.splice(0, BLOCK)),
      });
    }
    this.#steps.push(step);
    this.#values.push(value);
    this.length++;
    this.#rows = 1;
    this.#starts.grow(this.length - this.#at);
  }

  /** Gives the value that was last added at a step another step. */
  move(from: number, to: number): void {
    const at = this.#steps.lastIndexOf(from);
    if (at < 0) return;
    this.#steps[at] = to;
    if (this.#first === from) this.#first = to;
    this.#ascending &&= this.#steps.every((step, i) => i === 0 || this.#steps[i - 1]! < step);
  }

  #begin(step: number): void {
    this.#begins ??= this.length === 0 ? [] : [{ start: 0, at: 0 }];
    this.#start = this.#starts.current;
    this.#first = step;
    this.#at = this.length;
    this.#begins.push({ start: this.#start, at: this.#at });
  }

  /** What was logged in each start. */
  segments(): Segment[] {
    const { steps, values } = this.#all();
    const begins = this.#begins ?? [{ start: 0, at: 0 }];
    return begins.map(({ start, at }, i) => {
      const end = begins[i + 1]?.at ?? this.length;
      return { start, steps: steps.subarray(at, end), values: values.subarray(at, end) };
    });
  }

  /** All that was logged, in its order. */
  #all(): Series {
    return this.#whole ??= {
      steps: this.#shared.whole(this.#joined("steps", this.#steps)),
      values: this.#joined("values", this.#values),
    };
  }

  finish(): Series {
    const { steps, values } = this.#all();
    if (this.#ascending) return { steps, values };
    const ordered = distinct(steps);
    const latest = new Float64Array(ordered.length);
    for (let i = 0; i < this.length; i++) latest[placeOf(ordered, steps[i]!)] = values[i]!;
    return { steps: ordered, values: latest };
  }

  #joined(name: "steps" | "values", end: readonly number[]): Float64Array {
    const whole = new Float64Array(this.length);
    for (const [i, block] of this.#blocks.entries()) {
      whole.set(block[name], i * BLOCK);
      // Steps may be those of other columns, too.
      if (name === "values") free(block[name]);
    }
    whole.set(end, this.#blocks.length * BLOCK);
    return whole;
  }
}
