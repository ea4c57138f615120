/** Bytes that room is made for before any have come. */
const FIRST_BYTES = 1 << 18;

/** Reads a byte stream piece by piece: what the framed binary formats need. */
export class ByteReader {
  #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #offset = 0;

  /** A reader over chunks, such as those of a `ByteSource`. */
  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /**
   * The next `count` bytes where they are there already, else undefined: valid until the next bytes are asked for, and
   * several times as fast for small records.
   */
  atHand(count: number): Uint8Array | undefined {
    const end = this.#offset + count;
    if (end > this.#chunk.length) return undefined;
    const bytes = this.#chunk.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }

  /** The next `count` bytes as a copy, or fewer where the stream ends. */
  async read(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(Math.min(count, FIRST_BYTES));
    let bytes = out;
    let length = 0;
    while (length < count) {
      if (this.#offset === this.#chunk.length) {
        const next = await this.#chunks.next();
        if (next.done) return bytes.subarray(0, length);
        this.#chunk = next.value;
        this.#offset = 0;
        continue;
      }
      const part = this.#chunk.subarray(this.#offset, this.#offset + count - length);
      // A damaged length field can ask for gigabytes: grow only as bytes arrive.
      if (length + part.length > bytes.length) {
        const grown = new Uint8Array(Math.min(count, 2 * (length + part.length)));
        grown.set(bytes.subarray(0, length));
        bytes = grown;
      }
      bytes.set(part, length);
      length += part.length;
      this.#offset += part.length;
    }
    return bytes.subarray(0, length);
  }

  /** Passes over the next `count` bytes; false if the stream ends before. */
  async skip(count: number): Promise<boolean> {
    for (let left = count; left > 0;) {
      const part = Math.min(left, this.#chunk.length - this.#offset);
      this.#offset += part;
      left -= part;
      if (left === 0) break;
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#chunk = next.value;
      this.#offset = 0;
    }
    return true;
  }

  /** Stops reading and closes the file. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
