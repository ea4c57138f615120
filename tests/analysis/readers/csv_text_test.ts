import assert from "node:assert/strict";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { CsvText } from "../../../analysis/readers/csv_text.ts";
import { LogSource } from "../../../analysis/readers/log_source.ts";
import { Malformed } from "../../../analysis/readers/malformed.ts";

/** A source that reads its bytes in pieces of given lengths, over and over. */
function sourceOf(bytes: Uint8Array, lengths: readonly number[]): LogSource {
  let [at, turn] = [0, 0];
  return new LogSource({
    name: "table.csv",
    file: undefined,
    read(buffer) {
      const piece = bytes.subarray(at, at + lengths[turn++ % lengths.length]!);
      buffer.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length === 0 ? null : piece.length);
    },
    close() {},
  });
}

const cell = fc.constantFrom("", "1", "0.25", " 3 ", "µ", "-1e-3", "a b", "\u{1F600}");
const quoted = fc.constantFrom('"1"', '"a,b"', '"a""b"', '"two\nlines"', 'in"side', '"a"b', '""');

Deno.test("a table is read as csv-parse reads it, with and without quotation marks, however it comes in", () =>
  fc.assert(fc.asyncProperty(
    fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 8 }),
    fc.array(fc.array(fc.oneof(cell, quoted), { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
    fc.constantFrom("\n", "\r\n", "\r"),
    fc.boolean(),
    fc.boolean(),
    fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 5 }),
    async (plain, late, newline, hasMark, hasEnd, lengths) => {
      const lines = [...plain, ...late].map((cells) => cells.join(","));
      const text = (hasMark ? "\ufeff" : "") + lines.join(newline) + (hasEnd ? newline : "");
      await using source = sourceOf(new TextEncoder().encode(text), lengths);
      const records: string[][] = [];
      const table = new CsvText(source, { delimiter: "," }, new Malformed());
      for await (const some of table.records()) records.push(...some);
      assert.deepEqual(
        records,
        parse(text, {
          bom: true,
          relax_column_count: true,
          relax_quotes: true,
          skip_empty_lines: true,
          record_delimiter: ["\r\n", "\n", "\r"],
        }),
      );
    },
  )));
