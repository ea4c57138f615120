/** Names of counts that go on over the whole of a run, whatever its steps do. */
const NAMES = /(?:^|\/)(?:epoch|num_tokens)$/i;

/** Whether a key is such a count. */
export function isGoingCount(key: string): boolean {
  return NAMES.test(key);
}

/** A value of a count, at a step, in a start of the log. */
interface Counted {
  readonly step: number;
  readonly value: number;
  readonly start: number;
}

/** Where a count stood in a start of the log. */
interface Range {
  readonly first: number;
  last: number;
}

/** The counts of a log that go on over the whole of a run, in each start of its steps. */
export class GoingCounts {
  #ranges = new Map<string, Range[]>();
  /** The last value of each count, whose start is not certain before the rest of its row is read. */
  #last = new Map<string, Counted>();

  /** A count stands at a value. */
  add(key: string, counted: Counted): void {
    this.#settle(key);
    this.#last.set(key, counted);
  }

  /** The steps begin again with a step: a count before it in the same row is of the new start. */
  begin(start: number, step: number): void {
    for (const [key, last] of this.#last) {
      if (last.step === step) this.#last.set(key, { ...last, start });
    }
  }

  #settle(key: string): void {
    const last = this.#last.get(key);
    if (last === undefined) return;
    const { start, value } = last;
    const ranges = this.#ranges.get(key) ?? [];
    const known = ranges[start] ??= { first: value, last: value };
    known.last = Math.max(known.last, value);
    this.#ranges.set(key, ranges);
  }

  /** The ranges of each count, without the starts in which it is not. */
  #all(): [string, Range[]][] {
    for (const key of this.#last.keys()) this.#settle(key);
    return Array.from(this.#ranges, ([key, ranges]) => [key, ranges.filter((range) => range)]);
  }

  /**
   * A count that is in each start up to a last one and goes on from each to the next, where no other falls. In a run
   * that was started once more it begins where it began before.
   */
  growing(lastStart: number): string | undefined {
    const all = this.#all().filter(([, ranges]) => ranges.length === lastStart + 1);
    if (!all.every(([, ranges]) => neverFalls(ranges))) return undefined;
    return all.find(([, ranges]) =>
      ranges.every(({ first }, i) => i === 0 || first > ranges[i - 1]!.first)
    )?.[0];
  }

  /**
   * Whether no count falls back where the steps begin again, and one begins higher in the end than in the beginning. One
   * that grows only within a start may be of a second run, which begins where the first began.
   */
  get wentOn(): boolean {
    const all = this.#all();
    return all.every(([, ranges]) => neverFalls(ranges)) &&
      all.some(([, ranges]) => ranges.at(-1)!.first > ranges[0]!.first);
  }
}

function neverFalls(ranges: readonly Range[]): boolean {
  return ranges.every(({ first }, i) => i === 0 || first >= ranges[i - 1]!.last);
}
