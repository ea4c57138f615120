/** Text to tokens and back. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  END,
  PAD,
  PADDED_SIZE,
  tokenizer,
  VocabularyError,
} from "../../../../experiments/lab/tasks/vocabulary.ts";

const { characters, pad, end, encode, decode } = tokenizer("0123x;");

Deno.test("a text survives encoding, one token a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...characters), maxLength: 300 }), (text) => {
      const tokens = encode(text);
      assert.equal(tokens.length, text.length);
      assert(tokens.every((token) => token < characters.length));
      assert.equal(decode(tokens), text);
    }),
    { seed: 1 },
  );
});

Deno.test("the special tokens come first and are written as pad and point", () => {
  assert.deepEqual([...encode(PAD + END + "0")], [pad, end, 2]);
  assert.equal(characters, "_.0123x;");
});

Deno.test("any tokens in range have a text of their length", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(PADDED_SIZE - 1), { maxLength: 500 }), (tokens) => {
      assert.equal(decode(tokens).length, tokens.length);
    }),
    { seed: 2 },
  );
  assert.equal(decode([2, PADDED_SIZE - 1, 3]), "0\ufffd1");
});

Deno.test("what is not in the vocabulary is named", () => {
  const cases: [() => unknown, string][] = [
    [() => encode("01y"), 'character 2 of the text is "y", expected one of "_.0123x;".'],
    [() => encode("\ufffd"), 'character 0 of the text is "\ufffd", expected one of "_.0123x;".'],
    [() => decode([0, 32]), "token 1 is 32, expected a whole number from 0 to 31."],
    [() => decode([-1]), "token 0 is -1, expected a whole number from 0 to 31."],
    [() => decode([0.5]), "token 0 is 0.5, expected a whole number from 0 to 31."],
    [() => decode([NaN]), "token 0 is NaN, expected a whole number from 0 to 31."],
  ];
  for (const [call, message] of cases) {
    assert.throws(
      call,
      (error) =>
        error instanceof VocabularyError && error instanceof RangeError &&
        error.message === message,
    );
  }
});
