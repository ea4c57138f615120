import { DTYPES } from "../../formats/dtype.ts";
import { ReadError } from "../../formats/errors.ts";
import { ArrayReader, type NamedArrays, type StoredArray } from "../../formats/stored_array.ts";
import type { TokenCollector } from "./collector.ts";
import { type Column, COLUMN_NAMES, missingColumns, nameOf } from "./columns.ts";

/** Tokens that are read at a time. */
const CHUNK = 1 << 15;

/**
 * Reads the tokens of a file of named arrays into a collector: ln π, mask and old ln π of one shape,
 * [tokens] or [sequences, tokens]; the advantage of that shape or one per sequence. Without a mask, every
 * token is one of a response.
 *
 * @param path What errors call the file.
 * @throws {ReadError} if an array is missing, cut off or too long, or of another shape or type.
 */
export async function readArrayTokens(
  path: string,
  { names, open }: NamedArrays,
  collector: TokenCollector,
): Promise<void> {
  const has = new Set(names);
  const find = (column: Column) => nameOf(column, (name) => has.has(name));
  const [logProbName, advantageName] = [find("logProb"), find("advantage")];
  if (logProbName === undefined || advantageName === undefined) throw missingColumns(path, names);
  const arrays = new Map<string, StoredArray>();
  for (const column of Object.keys(COLUMN_NAMES) as Column[]) {
    const name = find(column);
    if (name !== undefined) arrays.set(name, await open(name));
  }

  const { shape } = arrays.get(logProbName)!;
  if (shape.length !== 1 && shape.length !== 2) {
    throw new ReadError(
      `${path}: ${logProbName} has the shape [${shape}], expected [tokens] or [sequences, tokens].`,
    );
  }
  const [rows, columns] = shape.length === 1 ? [1, shape[0]!] : [shape[0]!, shape[1]!];
  const readerOf = (name: string) => new ArrayReader(path, name, arrays.get(name)!);
  const openAlike = (column: Column): ArrayReader | undefined => {
    const name = find(column);
    if (name === undefined) return undefined;
    expectShape(path, name, arrays.get(name)!.shape, [shape]);
    return readerOf(name);
  };

  const perSequence = shape.length === 1 ? [] : [[rows], [rows, 1]];
  expectShape(path, advantageName, arrays.get(advantageName)!.shape, [shape, ...perSequence]);
  const isPerToken = sameShape(arrays.get(advantageName)!.shape, shape);
  const logProb = readerOf(logProbName);
  const advantageArray = readerOf(advantageName);
  const advantage = isPerToken ? advantageArray : new RowReader(advantageArray, columns);
  const mask = openAlike("mask");
  const oldLogProb = openAlike("oldLogProb");
  const tokenName = find("token");
  const hasTokens = tokenName !== undefined && sameShape(arrays.get(tokenName)!.shape, shape) &&
    DTYPES.has(arrays.get(tokenName)!.dtype);
  const token = hasTokens ? readerOf(tokenName) : undefined;
  if (mask === undefined) {
    collector.notes.push(
      `there is no mask (${
        COLUMN_NAMES.mask.join(", ")
      }), so every token was taken for one of a response`,
    );
  }

  collector.sequences = rows;
  const readers = [logProb, advantageArray, mask, oldLogProb, token];
  try {
    const total = rows * columns;
    for (let start = 0; start < total; start += CHUNK) {
      const count = Math.min(CHUNK, total - start);
      const place = { sequence: Math.floor(start / columns), position: start % columns };
      collector.add({
        count,
        logProb: await logProb.read(count),
        advantage: await advantage.read(count),
        mask: await mask?.read(count),
        oldLogProb: await oldLogProb?.read(count),
        token: await token?.read(count),
      }, { ...place, width: columns });
    }
    // Without columns there are no tokens that an advantage per row could belong to.
    if (total > 0) { for (const reader of readers) await reader?.expectEnd(); }
  } finally {
    for (const reader of readers) await reader?.close();
  }
}

function sameShape(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((size, i) => size === right[i]);
}

function expectShape(
  path: string,
  name: string,
  shape: readonly number[],
  allowed: readonly (readonly number[])[],
): void {
  if (allowed.some((one) => sameShape(one, shape))) return;
  throw new ReadError(
    `${path}: ${name} has the shape [${shape}], expected ${
      allowed.map((one) => `[${one}]`).join(" or ")
    }.`,
  );
}

/** Repeats the values of an array with one per row for each token of the row. */
class RowReader {
  #rows: ArrayReader;
  #columns: number;
  #value = NaN;
  /** Tokens that the current value is still to be repeated for. */
  #left = 0;

  constructor(rows: ArrayReader, columns: number) {
    this.#rows = rows;
    this.#columns = columns;
  }

  async read(count: number): Promise<Float64Array> {
    const fresh = await this.#rows.read(Math.ceil(Math.max(0, count - this.#left) / this.#columns));
    const values = new Float64Array(count);
    let row = 0;
    for (let i = 0; i < count; i++) {
      if (this.#left === 0) {
        this.#value = fresh[row++]!;
        this.#left = this.#columns;
      }
      values[i] = this.#value;
      this.#left--;
    }
    return values;
  }
}
