/** A value found by its rank. */
export interface RankedValue {
  /** The value. */
  readonly value: number;
  /** How many values are greater. */
  readonly greater: number;
}

const SIGN = 0x80000000;
const RADIX = 1 << 16;
/** Digits of a float64. */
const DIGITS = 4;

/**
 * The values that stand at the given ranks when all are sorted from the largest, found exactly by radix
 * selection over the bits of float64: a pass over the values for each 16 bits, with counters instead of
 * values in memory.
 *
 * @param blocks Makes a new pass over the values, none of which is NaN or −0.
 * @param ranks From 1 to the number of values.
 */
export function selectLargest(
  blocks: () => Iterable<Float64Array>,
  ranks: readonly number[],
): RankedValue[] {
  // Each search knows the first digits of its value, and its rank among the values that share them.
  const searches = ranks.map((rank) => ({ digits: [] as number[], rank, greater: 0 }));
  for (let place = 0; place < DIGITS; place++) {
    const counts = countDigits(blocks, place, searches.map(({ digits }) => numberOf(digits)));
    for (const search of searches) {
      const count = counts.get(numberOf(search.digits))!;
      let digit = RADIX - 1;
      for (; search.rank > count[digit]!; digit--) {
        search.rank -= count[digit]!;
        search.greater += count[digit]!;
      }
      search.digits.push(digit);
    }
  }
  return searches.map(({ digits, greater }) => ({ value: valueOf(digits), greater }));
}

/** Up to three digits as one number, which is exact in float64. */
function numberOf(digits: readonly number[]): number {
  return digits.reduce((number, digit) => number * RADIX + digit, 0);
}

/** How often each digit follows each prefix. */
function countDigits(
  blocks: () => Iterable<Float64Array>,
  place: number,
  prefixes: readonly number[],
): Map<number, Float64Array> {
  const counts = new Map(prefixes.map((prefix) => [prefix, new Float64Array(RADIX)]));
  const wanted = Float64Array.from(counts.keys());
  const tables = Array.from(counts.values());
  for (const block of blocks()) {
    const words = new Uint32Array(block.buffer, block.byteOffset, 2 * block.length);
    for (let i = 0; i < words.length; i += 2) {
      let low = words[i]!;
      let high = words[i + 1]!;
      // Makes the order of the bits that of the values.
      if (high < SIGN) high += SIGN;
      else {
        high = ~high >>> 0;
        low = ~low >>> 0;
      }
      const prefix = place === 0
        ? 0
        : place === 1
        ? high >>> 16
        : place === 2
        ? high
        : high * RADIX + (low >>> 16);
      const digit = place === 0
        ? high >>> 16
        : place === 1
        ? high & 0xffff
        : place === 2
        ? low >>> 16
        : low & 0xffff;
      for (let j = 0; j < wanted.length; j++) {
        if (wanted[j] === prefix) {
          tables[j]![digit]!++;
          break;
        }
      }
    }
  }
  return counts;
}

/** The float64 of four digits. */
function valueOf([first, second, third, fourth]: readonly number[]): number {
  let high = first! * RADIX + second!;
  let low = third! * RADIX + fourth!;
  if (high >= SIGN) high -= SIGN;
  else {
    high = ~high >>> 0;
    low = ~low >>> 0;
  }
  return new Float64Array(Uint32Array.of(low, high).buffer)[0]!;
}
