/** The scanner of JSON lines agrees with JSON.parse, wherever the chunks are cut. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { jsonColumn, JsonLineScanner } from "../../formats/json_line_scanner.ts";

interface Seen {
  number: number;
  isObject: boolean;
  values: number[] | undefined;
  texts: number[] | undefined;
  records: number[] | undefined;
  isOther: boolean;
}

/** What the scanner sees of the columns `values`, `texts` and `records`, in chunks of some bytes. */
function scan(text: string, chunk: number): { lines: Seen[]; names: string[] } {
  const values = jsonColumn("values");
  const texts = jsonColumn("texts", { codeOf: (one) => one.length + 1000 });
  const records = jsonColumn("records", { path: ["rl", "mask"] });
  const lines: Seen[] = [];
  const scanner = new JsonLineScanner([values, texts, records], ({ number, isObject }) => {
    const taken = [values, texts, records].map(({ isPresent, values, length }) =>
      isPresent ? Array.from(values.subarray(0, length)) : undefined
    );
    const [first, second, third] = taken;
    lines.push({
      number,
      isObject,
      values: first,
      texts: second,
      records: third,
      isOther: values.isPresent && values.isOther,
    });
  });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += chunk) {
    // A copy that is overwritten afterwards, as a reused buffer is.
    const copy = bytes.slice(at, at + chunk);
    scanner.feed(copy);
    copy.fill(0x22);
  }
  scanner.end();
  return { lines, names: scanner.names };
}

const numeric = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constant(null),
  fc.boolean(),
);
const toNumber = (value: number | boolean | null) => value === null ? NaN : Number(value);
const other = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue(), { maxKeys: 3 });
const row = fc.record({
  before: other,
  values: fc.array(numeric, { maxLength: 5 }),
  texts: fc.array(fc.string({ unit: "binary" }), { maxLength: 3 }),
  records: fc.array(fc.tuple(fc.boolean(), fc.boolean(), other), { maxLength: 3 }),
  after: fc.jsonValue(),
});

Deno.test("kept columns of any rows are what JSON.parse says, in chunks of any size", () => {
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom("\n", "\r\n", "\n\n  \n"),
      (rows, chunk, ending) => {
        const objects = rows.map(({ before, values, texts, records, after }) => ({
          outside: before,
          values,
          texts,
          inside: { values: [1], records: { rl: { mask: true } }, texts: "no" },
          records: records.map(([mask, hasRl, more]) => ({
            other: { mask: !mask },
            ...(hasRl ? { rl: { advantage: 1, mask, deep: { mask: !mask } } } : {}),
            last: more,
          })),
          after,
        }));
        const { lines, names } = scan(
          objects.map((one) => JSON.stringify(one)).join(ending),
          chunk,
        );
        assert.deepEqual(names, Object.keys(objects[0]!));
        assert.equal(lines.length, rows.length);
        for (const [i, { values, texts, records }] of rows.entries()) {
          assert(lines[i]!.isObject);
          assert.equal(lines[i]!.isOther, false);
          // -0 is "0" in JSON.
          assert.deepEqual(lines[i]!.values, values.map((value) => toNumber(value) + 0));
          assert.deepEqual(lines[i]!.texts, texts.map((text) => text.length + 1000));
          assert.deepEqual(
            lines[i]!.records,
            records.map(([mask, hasRl]) => hasRl && mask ? 1 : 0),
          );
        }
      },
    ),
    { numRuns: 300, seed: 1 },
  );
});

Deno.test("a line that JSON.parse takes for an object is one, and damage stays within its line", () => {
  const good = '{"values":[1,2.5e3,null],"texts":["a\\"b","é"],"x":{"y":["z]}"]}}';
  const character = fc.constantFrom(...'{}[]":,\\ 1e-.tnÉ\t'.split(""));
  fc.assert(
    fc.property(
      fc.nat(good.length),
      fc.nat(5),
      fc.array(character, { maxLength: 4 }),
      fc.integer({ min: 1, max: 40 }),
      (at, removed, inserted, chunk) => {
        const changed = good.slice(0, at) + inserted.join("") + good.slice(at + removed);
        if (changed.trim() === "") return;
        const { lines } = scan(`${good}\n${changed}\n${good}`, chunk);
        assert.deepEqual(lines.map(({ number }) => number), [1, 2, 3]);
        const [first, second, third] = lines;
        assert.deepEqual({ ...third, number: 1 }, first);
        let value: unknown;
        try {
          value = JSON.parse(changed);
        } catch {
          return;
        }
        const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
        assert.equal(second!.isObject, isObject, changed);
      },
    ),
    { numRuns: 3000, seed: 2 },
  );
});

Deno.test("NaN and Infinity are read as JSON of Python has them, other words are refused", () => {
  const { lines } = scan(
    '{"values":[NaN,Infinity,-Infinity,1e999]}\n{"values":[nan]}\n{"values":[0x10]}',
    7,
  );
  assert.deepEqual(lines[0]!.values, [NaN, NaN, NaN, Infinity]);
  assert.deepEqual(lines.map(({ isObject }) => isObject), [true, false, false]);
});

Deno.test("a text in a column of numbers, a list in a list and an object are told", () => {
  for (const value of ['["1"]', "[[1]]", '{"a":1}', '"1"']) {
    const [line] = scan(`{"values":${value}}`, 3).lines;
    assert(line!.isObject && line!.isOther, value);
  }
});

Deno.test("nesting without end is refused, not followed", () => {
  const [line] = scan(`{"a":${"[".repeat(100_000)}`, 1 << 16).lines;
  assert.equal(line!.isObject, false);
});
