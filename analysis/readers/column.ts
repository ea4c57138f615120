import { Repeats } from "./repeats.ts";
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
  #last:
    | { blocks: readonly Float64Array[]; end: readonly number[]; whole: Float64Array }
    | undefined;

  /** The steps of a column's block: where another column has equal ones in its place, those. */
  block(place: number, steps: readonly number[]): Float64Array {
    const known = this.#blocks[place];
    if (known !== undefined && isEqual(known, steps)) return known;
    return this.#blocks[place] = Float64Array.from(steps);
  }

  /** All steps of a column, or those of the column before it, which are not joined once more where they are equal. */
  whole(blocks: readonly Float64Array[], end: readonly number[]): Float64Array {
    const last = this.#last;
    const isSame = last !== undefined && last.blocks.length === blocks.length &&
      last.blocks.every((block, i) => block === blocks[i]) && isEqual(last.end, end);
    if (!isSame) this.#last = { blocks, end, whole: joined(blocks, end) };
    return this.#last!.whole;
  }

  /** Gives back what the columns had before they were joined. */
  free(): void {
    this.#blocks.forEach(free);
    this.#blocks = [];
  }
}

/** Fewer numbers cost more to give back than to keep. */
const FEWEST_FREED = 1 << 7;

/** Gives memory back at once: the collector of garbage may come late for it. */
function free(numbers: Float64Array): void {
  if (numbers.length >= FEWEST_FREED) (numbers.buffer as ArrayBuffer).transfer(0);
}

/** Blocks and what comes after them. */
function joined(blocks: readonly Float64Array[], end: readonly number[]): Float64Array {
  const whole = new Float64Array(blocks.length * BLOCK + end.length);
  for (const [i, block] of blocks.entries()) whole.set(block, i * BLOCK);
  whole.set(end, blocks.length * BLOCK);
  return whole;
}

function isEqual(left: ArrayLike<number>, right: ArrayLike<number>): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** Values are kept in blocks, so that a long log is never copied while it grows, nor a short one large. */
export class Column {
  length = 0;
  /** Steps that were logged once more, if any were; all of them once the column is finished. */
  repeats: Repeats | undefined;
  /** Full blocks of steps, which may be those of other columns, too. */
  #stepBlocks: Float64Array[] = [];
  /** Full blocks of values. */
  #valueBlocks: Float64Array[] = [];
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
  /** How often a key had gone back to an earlier step when the last value was added. */
  #returns = 0;
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
    if (last >= 0 && step < this.#steps[last]!) {
      this.#starts.returns++;
      if (isBeginning(step, this.#first)) {
        this.#starts.again(this.#start, this.length - this.#at, step);
      }
    }
    const isWithinStep = repeat === "mean" && this.#returns === this.#starts.returns;
    this.#returns = this.#starts.returns;
    if (this.length === 0) this.#first = step;
    if (this.#start !== this.#starts.current) this.#begin(step, this.length);
    else if (last >= 0 && this.#steps[last] === step) {
      const mean = this.#values[last]!;
      if (!isWithinStep) (this.repeats ??= new Repeats()).add(step, mean, value);
      this.#rows = isWithinStep ? this.#rows + 1 : 1;
      this.#values[last] = mean + (value - mean) / this.#rows;
      return;
    }
    // The last one of a start that was given up may be of the step at which a key goes on in the next start.
    if (last >= 0 && step <= this.#steps[last]!) this.#ascending = false;
    // The last value stays in the block that grows, as the next row may be of the same step.
    if (this.#steps.length > BLOCK) {
      const steps = this.#steps.splice(0, BLOCK);
      this.#stepBlocks.push(this.#shared.block(this.#stepBlocks.length, steps));
      this.#valueBlocks.push(Float64Array.from(this.#values.splice(0, BLOCK)));
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

  /** Another key began again with a step: what was added here at that step, after later ones, is of its start. */
  takeOver(step: number): void {
    const last = this.#steps.length - 1;
    const isOfRow = last > 0 && this.#steps[last] === step && step < this.#steps[last - 1]!;
    if (isOfRow && this.#start !== this.#starts.current) this.#begin(step, this.length - 1);
  }

  #begin(step: number, at: number): void {
    this.#begins ??= at === 0 ? [] : [{ start: 0, at: 0 }];
    this.#start = this.#starts.current;
    this.#first = step;
    this.#at = at;
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
    if (this.#whole !== undefined) return this.#whole;
    const steps = this.#shared.whole(this.#stepBlocks, this.#steps);
    const values = joined(this.#valueBlocks, this.#values);
    this.#valueBlocks.forEach(free);
    return this.#whole = { steps, values };
  }

  finish(): Series {
    const { steps, values } = this.#all();
    if (this.#ascending) return { steps, values };
    const ordered = distinct(steps);
    const latest = new Float64Array(ordered.length);
    const isSet = new Uint8Array(ordered.length);
    for (let i = 0; i < this.length; i++) {
      const place = placeOf(ordered, steps[i]!);
      if (isSet[place] === 1) {
        (this.repeats ??= new Repeats()).add(steps[i]!, latest[place]!, values[i]!);
      }
      isSet[place] = 1;
      latest[place] = values[i]!;
    }
    return { steps: ordered, values: latest };
  }
}
