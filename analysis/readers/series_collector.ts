import { Column, type RepeatRule, SharedSteps } from "./column.ts";
import { copied } from "./copied.ts";
import { isGoingCount } from "./going_counts.ts";
import { type KeyCount, KeyEntry } from "./key_entry.ts";
import { Malformed } from "./malformed.ts";
import { compare, offsetsOf, runsAmong, type Segment, Starts } from "./restarts.ts";
import type { NotFinite, Series } from "./series.ts";

/** No framework logs as many keys; W&B exports of very many runs come near. */
const MOST_KEYS = 150_000;
/** Keys times starts that are taken apart. */
const MOST_PARTS = 1_000_000;
/** No key is longer. */
const LONGEST_KEY = 1 << 10;

/** Collects `(step, key, value)` in the order of the log; only the kept keys cost memory. */
export class SeriesCollector {
  /** Every key seen, kept or not. */
  readonly counts: ReadonlyMap<string, KeyCount>;
  /** First and last step of any entry. */
  readonly steps: { first: number; last: number } = { first: Infinity, last: -Infinity };
  /** What was left out: keys of more than 1024 characters, and those past the 150 000th. */
  readonly malformed: Malformed;
  #entries = new Map<string, KeyEntry>();
  /** What stood in place of numbers, under keys that have none yet. */
  #texts = new Map<string, Malformed>();
  #keep: (key: string) => boolean;
  #repeat: RepeatRule;
  #sharedSteps = new SharedSteps();
  #starts = new Starts();

  /** A collector that stores the keys for which `keep` holds and counts all others. */
  constructor(keep: (key: string) => boolean, repeat: RepeatRule, malformed: Malformed) {
    this.counts = this.#entries;
    this.#keep = keep;
    this.#repeat = repeat;
    this.malformed = malformed;
  }

  /** Adds one logged number; a value that is not finite is counted and left out. */
  add(step: number, key: string, value: number): void {
    const count = this.#entryOf(key);
    if (count === undefined) return;
    if (step < this.steps.first) this.steps.first = step;
    if (step > this.steps.last) this.steps.last = step;
    if (!Number.isFinite(value)) return count.addNotFinite(step, this.#starts.current);
    if (count.finite === 0) {
      const texts = this.#texts.get(key);
      if (texts !== undefined) this.malformed.addAll(texts);
      this.#texts.delete(key);
    }
    count.finite++;
    if (count.isCount) this.#starts.counts.add(key, { step, value, start: this.#starts.current });
    const { current } = this.#starts;
    count.column?.add(step, value, this.#repeat);
    if (current !== this.#starts.current) this.#takeOver(step);
  }

  /** Takes what stands before the key that began again, in the same row, into the new start. */
  #takeOver(step: number): void {
    for (const { column } of this.#entries.values()) column?.takeOver(step);
  }

  /** Counts a key that stood there without a value. */
  addMissing(key: string): void {
    const count = this.#entryOf(key);
    if (count !== undefined) count.missing++;
  }

  /** What is known of a key; undefined, and counted as malformed, if it is one too many or too long. */
  #entryOf(key: string): KeyEntry | undefined {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    if (key.length > LONGEST_KEY) {
      this.malformed.add(`a key of more than ${LONGEST_KEY} characters`, key);
      return undefined;
    }
    if (this.counts.size === MOST_KEYS) {
      this.malformed.add(`a key past the first ${MOST_KEYS}`, key);
      return undefined;
    }
    // A copy, as a part of a string keeps the whole of it in memory.
    const copy = copied(key);
    const entry = new KeyEntry(
      this.#keep(copy) ? new Column(this.#sharedSteps, this.#starts) : undefined,
      isGoingCount(copy),
    );
    this.#entries.set(copy, entry);
    return entry;
  }

  /**
   * Counts a text that stands where a number could, at a place in words. It is malformed if its key has
   * numbers, before or after; a key of nothing but texts is no metric.
   */
  addText(key: string, place: () => string, text: string): void {
    if ((this.#entries.get(key)?.finite ?? 0) > 0) return this.malformed.add(place(), text);
    let texts = this.#texts.get(key);
    if (texts === undefined) {
      if (key.length > LONGEST_KEY || this.#texts.size === MOST_KEYS) return;
      texts = new Malformed();
      this.#texts.set(copied(key), texts);
    }
    // Only what is shown needs its place.
    if (texts.examples.length < 3) texts.add(place(), text);
    else texts.count++;
  }

  /** Gives what was last added at a step, of the metrics of a part such as `eval`, another step. */
  move(part: string, from: number, to: number): void {
    if (to < this.steps.first) this.steps.first = to;
    if (to > this.steps.last) this.steps.last = to;
    for (const [key, { column }] of this.#entries) {
      if (key.startsWith(`${part}/`)) column?.move(from, to);
    }
  }

  /** What is added next stands in the log beside its beginning, as in the file of another key. */
  rewind(): void {
    this.#starts.current = 0;
  }

  /** How often the steps of the kept keys began, once at least. */
  get starts(): number {
    return this.#starts.current + 1;
  }

  /** What the kept keys logged in each start; undefined if that is one, or too much to be taken apart. */
  #segments(): Map<string, Segment[]> | undefined {
    if (this.starts === 1 || this.#entries.size * this.starts > MOST_PARTS) return undefined;
    const segments = new Map<string, Segment[]>();
    for (const [key, { column }] of this.#entries) {
      if (column !== undefined) segments.set(key, column.segments());
    }
    return segments;
  }

  /**
   * A collector in which the starts follow one another, their steps counted on, and the key that says that they do;
   * undefined if none does.
   */
  countedOn(): { series: SeriesCollector; by: string } | undefined {
    const by = this.#starts.goingOn;
    const segments = by === undefined ? undefined : this.#segments();
    if (by === undefined || segments === undefined) return undefined;
    const offsets = offsetsOf(segments.values());
    const series = new SeriesCollector(this.#keep, this.#repeat, this.malformed);
    for (const [key, entry] of this.#entries) {
      for (const { start, steps, values } of segments.get(key) ?? []) {
        steps.forEach((step, i) => series.add(step + offsets[start]!, key, values[i]!));
      }
      series.#entryOf(key)?.takeAll(entry, offsets);
    }
    return { series, by };
  }

  /** Collectors of the runs that follow one another here, by {@linkcode runsAmong}; none if there are not several. */
  apart(): SeriesCollector[] {
    const segments = this.#starts.areSeveral ? this.#segments() : undefined;
    if (segments === undefined) return [];
    const runs = runsAmong(segments.values());
    if (runs.length < 2) return [];
    return runs.map((start) => {
      const part = new SeriesCollector(this.#keep, this.#repeat, this.malformed);
      for (const [key, entry] of this.#entries) {
        const kept = segments.get(key)?.find((one) => one.start === start);
        kept?.steps.forEach((step, i) => part.add(step, key, kept.values[i]!));
        part.#entryOf(key)?.take(entry, start);
      }
      return part;
    });
  }

  /** Whether the kept keys hold what another collector holds at the same steps. */
  repeats(other: SeriesCollector): boolean {
    const pairs: Segment[][] = [];
    for (const [key, { column }] of this.#entries) {
      const [own] = column?.segments() ?? [];
      const [another] = other.#entries.get(key)?.column?.segments() ?? [];
      if (own !== undefined && another !== undefined) {
        pairs.push([{ ...own, start: 0 }, { ...another, start: 1 }]);
      }
    }
    return compare(pairs, 0, 1) === "same";
  }

  /** The kept series that hold at least one value; the collector is empty of them afterwards. */
  finish(): Map<string, Series> {
    const series = new Map<string, Series>();
    for (const [key, entry] of this.#entries) {
      if (entry.column && entry.column.length > 0) {
        series.set(key, entry.column.finish());
        entry.repeats = entry.column.repeats;
      }
      entry.column = undefined;
    }
    this.#sharedSteps.free();
    return series;
  }

  /**
   * The values that are not finite, by key. A step that has a finite value as well, as a resumed run or
   * another update of the step logs it, is none of their steps.
   *
   * @param series What {@linkcode SeriesCollector.finish} returned.
   */
  notFinite(series: ReadonlyMap<string, Series>): Map<string, NotFinite> {
    const found = new Map<string, NotFinite>();
    for (const [key, entry] of this.#entries) {
      if (entry.notFinite > 0) found.set(key, entry.notFiniteBeside(series.get(key)));
    }
    return found;
  }

  /** Forgets all numbers so far. */
  clear(): void {
    this.#entries.clear();
    this.#starts.current = 0;
    this.steps.first = Infinity;
    this.steps.last = -Infinity;
  }
}
