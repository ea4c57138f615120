import type { Column } from "./column.ts";
import type { Repeats } from "./repeats.ts";
import { distinct, type NotFinite, placeOf, type Series } from "./series.ts";

/** How often a key occurred in a log. */
export interface KeyCount {
  /** Finite numbers logged under the key. */
  finite: number;
  /** NaN and infinite values logged under the key; they are in no series. */
  notFinite: number;
  /** How often the key stood there without a value: null. */
  missing: number;
  /** Steps that were logged again; of a kept key, once it is finished. */
  repeats: Repeats | undefined;
}

/** Steps that are kept of values that are not finite, for each key. */
const MOST_NOT_FINITE = 1 << 18;
/** Values of a key that are not finite, in one start of the log. */
interface NotFiniteOfStart {
  readonly start: number;
  count: number;
  first: number;
  last: number;
  /** Their steps, in the order of the log. */
  readonly steps: number[];
}

/** A key's count, and its values where they are kept. */
export class KeyEntry implements KeyCount {
  finite = 0;
  notFinite = 0;
  missing = 0;
  repeats: Repeats | undefined;
  /** Its values, until they are a series; undefined for a key that is only counted. */
  column: Column | undefined;
  #isKept: boolean;
  /** Values that are not finite, of each start of the log that has some. */
  #notFinite: NotFiniteOfStart[] | undefined;

  /** A key without a value so far; `isCount` says whether its values go on over the whole of a run. */
  constructor(column: Column | undefined, readonly isCount: boolean) {
    this.column = column;
    this.#isKept = column !== undefined;
  }

  /** Counts a value that is not finite. */
  addNotFinite(step: number, start: number): void {
    this.notFinite++;
    this.#notFinite ??= [];
    let part = this.#notFinite.at(-1);
    if (part?.start !== start) {
      part = { start, count: 0, first: Infinity, last: -Infinity, steps: [] };
      this.#notFinite.push(part);
    }
    part.count++;
    if (step < part.first) part.first = step;
    if (step > part.last) part.last = step;
    const isNew = step !== part.steps.at(-1);
    if (isNew && part.steps.length < (this.#isKept ? MOST_NOT_FINITE : 1)) part.steps.push(step);
  }

  /** Takes over what another counted in one start, but for kept values; keys that are not kept are counted together. */
  take(other: KeyEntry, start: number): void {
    if (!this.#isKept) this.finite = other.finite;
    this.missing = other.missing;
    this.#notFinite = (other.#notFinite ?? []).filter((part) => part.start === start);
    this.notFinite = this.#notFinite.reduce((sum, { count }) => sum + count, 0);
  }

  /** Takes over all that another counted, but for kept values, with the steps of each start moved by its offset. */
  takeAll(other: KeyEntry, offsets: readonly number[]): void {
    this.finite = other.finite;
    this.missing = other.missing;
    this.notFinite = other.notFinite;
    this.#notFinite = other.#notFinite?.map(({ start, count, first, last, steps }) => {
      const by = offsets[start]!;
      return {
        start,
        count,
        first: first + by,
        last: last + by,
        steps: steps.map((step) => step + by),
      };
    });
  }

  /** The values that are not finite, but for their steps that have a finite value in the key's series. */
  notFiniteBeside(series: Series | undefined): NotFinite {
    const isOpen = (step: number) => series?.steps[placeOf(series.steps, step)] !== step;
    const all = this.#notFinite ?? [];
    const steps = distinct(Float64Array.from(all.flatMap(({ steps }) => steps))).filter(isOpen);
    return {
      count: this.notFinite,
      first: Math.min(...all.map(({ first }) => first)),
      last: Math.max(...all.map(({ last }) => last)),
      steps: this.#isKept ? steps : steps.subarray(0, 1),
    };
  }
}
