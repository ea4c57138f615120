/** Texts from outside, as they are printed and drawn. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ReadError, UserError } from "../../formats/errors.ts";
import { LawError } from "../../analysis/law_error.ts";
import { printable, printableJson } from "../../formats/printable.ts";

/** What acts on a terminal or a page, or is no text; the ranges are written out here on purpose. */
const ACTS =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/;

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }).map((units) =>
    String.fromCharCode(...units)
  ),
);

Deno.test("control characters, bidirectional controls and line separators are shown escaped", () => {
  assert.equal(
    printable("a\u001b[31m\n\t\r\u0000\u007f\u009b2J"),
    "a\\x1b[31m\\n\\t\\r\\x00\\x7f\\x9b2J",
  );
  assert.equal(
    printable("x\u202egnp.exe\u2066\u200f\u2028"),
    "x\\u202egnp.exe\\u2066\\u200f\\u2028",
  );
  assert.equal(printable("half \ud83d and \ufffe"), "half \\ud83d and \\ufffe");
  assert.equal(printable("\u{1fffe}"), "\\u{1fffe}");
});

Deno.test("what can be seen stays as it is", () => {
  for (
    const text of ["val-core/math/acc/mean@1", "a\\b", "naïve 中文 العربية 😀👩‍👩‍👧", "−a·exp(H) + b"]
  ) {
    assert.equal(printable(text, 500), text);
  }
});

Deno.test("of any text something printable is left, well-formed and no longer than asked", () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 20, max: 80 }), (text, limit) => {
      const shown = printable(text, limit);
      assert.doesNotMatch(shown, ACTS);
      assert(shown.isWellFormed());
      assert(shown.length <= limit);
      assert.equal(printable(shown, limit), shown, "a second pass changes nothing");
    }),
    { numRuns: 2000, seed: 12 },
  );
});

Deno.test("of a long text the head and the tail are left, of a million characters at once", () => {
  assert.match(printable("head" + "x".repeat(1e6) + "tail", 40), /^headx+ … x+tail$/);
  assert.equal(printable("😀".repeat(40), 22), "😀😀😀😀😀😀 … 😀😀😀");
});

Deno.test("JSON keeps the true strings and acts on no terminal", () => {
  fc.assert(
    fc.property(fc.jsonValue(), anyText, (value, text) => {
      const whole = { [text]: [value, text] };
      const json = printableJson(whole);
      assert.doesNotMatch(json, ACTS);
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(whole)));
    }),
    { numRuns: 1000, seed: 12 },
  );
});

Deno.test("a message is one line of a few hundred characters, whatever the names in it", () => {
  const key = "\u001b]0;x\u0007\n".repeat(200_000);
  for (const error of [new UserError(key), new ReadError(key), new LawError("no-split", key)]) {
    assert(error.message.length <= 500);
    assert.doesNotMatch(error.message, ACTS);
  }
  assert.equal(new ReadError("a.csv is empty.").message, "a.csv is empty.");
});
