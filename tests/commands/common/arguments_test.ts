/** How every command reads its words. */
import assert from "node:assert/strict";
import {
  expectNoOthers,
  joinNegatives,
  numberOf,
  wholeNumberOf,
} from "../../../commands/common/arguments.ts";
import { UsageError } from "../../../commands/common/command.ts";

Deno.test("a negative number belongs to the option before it, where that takes a value", () => {
  const options = { low: { type: "string" }, json: { type: "boolean" } } as const;
  const joined = (line: string) => joinNegatives(line.split(" "), options).join(" ");
  assert.equal(joined("a --low -1 b --low -.5"), "a --low=-1 b --low=-.5");
  assert.equal(joined("--low=2 -1 --json -3 --none -4"), "--low=2 -1 --json -3 --none -4");
  assert.equal(joined("--low -x -- --low -1"), "--low -x -- --low -1");
});

Deno.test("numbers are numbers within their bounds, or a sentence", () => {
  assert.equal(numberOf("--low", "-1e-3"), -1e-3);
  assert.equal(wholeNumberOf("--seed", "0", 0), 0);
  const refused = (work: () => unknown, message: string) =>
    assert.throws(work, (error) => error instanceof UsageError && error.message === message);
  refused(() => numberOf("--low", "many"), "--low is many, expected a number.");
  refused(() => numberOf("--low", " "), "--low is  , expected a number.");
  for (const text of ["0", "1.5", "x", "", "1e99"]) {
    refused(
      () => wholeNumberOf("--jobs", text, 1),
      `--jobs is ${text}, expected a whole number from 1 to 9007199254740991.`,
    );
  }
  refused(() => expectNoOthers(["more", "still"]), "more was not expected (see --help).");
});
