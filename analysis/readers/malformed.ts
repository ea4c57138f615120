/** Counts what a reader could not use, and keeps a few examples to show. */
export class Malformed {
  /** Pieces (lines, fields, records) that could not be used. */
  count = 0;
  /** The first three, each with its place. */
  readonly examples: string[] = [];

  /** Counts what another has counted. */
  addAll(other: Malformed): void {
    this.count += other.count;
    this.examples.push(...other.examples.slice(0, 3 - this.examples.length));
  }

  /** Counts one piece: `place` says where it is, `text` what it looks like. */
  add(place: string, text: string): void {
    this.count++;
    if (this.examples.length < 3) {
      const shown = text.length > 60 ? text.slice(0, 60) + "…" : text;
      this.examples.push(`${place}: ${JSON.stringify(shown)}`);
    }
  }
}
