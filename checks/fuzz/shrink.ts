type Bytes = Uint8Array<ArrayBuffer>;

/** How long a shrinking may take, in ms, and how many attempts. */
const LONGEST = 5000;
const MOST = 2000;

/**
 * A smaller input that still shows a fault: pieces of halving size are left out as long as it does (delta
 * debugging, Zeller & Hildebrandt 2002), within a few seconds.
 */
export async function shrink(
  bytes: Bytes,
  shows: (bytes: Bytes) => Promise<boolean>,
): Promise<Bytes> {
  const end = performance.now() + LONGEST;
  let smallest = bytes;
  let attempts = 0;
  for (let size = Math.ceil(bytes.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < smallest.length;) {
      if (++attempts > MOST || performance.now() > end) return smallest;
      const candidate = new Uint8Array(Math.max(at, smallest.length - size));
      candidate.set(smallest.subarray(0, at));
      candidate.set(smallest.subarray(at + size), at);
      if (await shows(candidate)) smallest = candidate;
      else at += size;
    }
  }
  return smallest;
}
