/** The rule that makes verdicts, on claims whose numbers are given. */
import assert from "node:assert/strict";
import {
  type Claim,
  type Criterion,
  type Evidence,
  judge,
  notRunYet,
  type Reading,
  type Verdict,
} from "../../analysis/claims.ts";
import { claimsText, countVerdicts } from "../../analysis/reports/claims_text.ts";

type Given = Partial<Criterion<void>>;

function criterion(values: readonly number[], given: Given = {}): Criterion<void> {
  return {
    quantity: "some number",
    paper: "2",
    accept: [1, 3],
    unit: "",
    measure: () => ({ observations: values.map((value, i) => ({ name: `run ${i}`, value })) }),
    ...given,
  };
}

const MET = criterion([2, 2.1, 1.9]);
const OPEN = criterion([1.2, 2, 0.8]);
const MISSED = criterion([5, 5.1, 4.9]);
const UNTESTABLE = criterion([], { measure: () => ({ untestable: "a token has 0.4 tokens" }) });
const decisive = (one: Criterion<void>) => ({ ...one, decisive: true });

function claim(...readings: readonly (readonly Criterion<void>[])[]): Claim<void> {
  return {
    number: 7,
    place: "Sec. 9",
    statement: "Something holds.",
    paper: "2",
    figures: ["fig1"],
    readings: readings.map((criteria, i): Reading<void> => ({
      name: readings.length === 1 ? "" : `way ${i + 1}`,
      criteria,
    })),
  };
}

function verdict(...readings: readonly (readonly Criterion<void>[])[]): Verdict {
  return judge(claim(...readings), undefined).verdict;
}

function because(one: Criterion<void>): string {
  return judge(claim([one]), undefined).readings[0]!.criteria[0]!.because;
}

Deno.test("a verdict follows from what is met, open, missed and not testable", () => {
  assert.equal(verdict([MET, MET]), "reproduced");
  assert.equal(verdict([MET, OPEN]), "partly");
  assert.equal(verdict([OPEN]), "partly");
  assert.equal(verdict([MET, MISSED]), "partly");
  assert.equal(verdict([MET, decisive(MISSED)]), "not reproduced");
  assert.equal(verdict([MISSED, MISSED]), "not reproduced");
  assert.equal(verdict([OPEN, MISSED]), "partly");
  assert.equal(verdict([MET, UNTESTABLE]), "partly");
  assert.equal(verdict([MISSED, UNTESTABLE]), "not reproduced");
  assert.equal(verdict([UNTESTABLE]), "not testable at this scale");
  assert.equal(verdict([MET, decisive(UNTESTABLE)]), "not testable at this scale");
});

Deno.test("of readings that contradict each other the best counts, and each is told", () => {
  const judged = judge(claim([MISSED], [MET]), undefined);
  assert.equal(judged.verdict, "reproduced");
  assert.deepEqual(judged.readings.map(({ verdict }) => verdict), ["not reproduced", "reproduced"]);
  assert.equal(verdict([MISSED], [UNTESTABLE]), "not reproduced");
});

Deno.test("one observation has no interval, and a number that some run lacks is missed", () => {
  const [one] = judge(claim([criterion([1])]), undefined).readings[0]!.criteria;
  assert.deepEqual([one!.outcome, one!.interval, one!.ours], ["met", null, "1"]);
  const [none] = judge(claim([criterion([2, NaN])]), undefined).readings[0]!.criteria;
  assert.deepEqual([none!.outcome, none!.value], ["missed", null]);
  assert.match(none!.because, /^1 of 2 have no such number: run 1\.$/);
});

Deno.test("in how many runs something holds is a count, without an interval", () => {
  const counted = (values: readonly number[], accept: readonly [number, number]) =>
    judge(claim([criterion(values, { accept, unit: "%" })]), undefined).readings[0]!.criteria[0]!;
  const all = counted([1, 1, 1], [1, 1]);
  assert.deepEqual([all.outcome, all.interval, all.ours], ["met", null, "100 %, 3 of 3"]);
  const some = counted([0, 1, 1, 1], [0.9, Infinity]);
  assert.deepEqual([some.outcome, some.ours], ["missed", "75 %, 3 of 4"]);
});

Deno.test("a number next to the end of the accepted range has the digits that tell the side", () => {
  const near = criterion([0.99996], { unit: "×", accept: [1, Infinity] });
  const [judged] = judge(claim([near]), undefined).readings[0]!.criteria;
  assert.deepEqual([judged!.outcome, judged!.ours], ["missed", "0.99996×"]);
  const rounded = criterion([0.9 - 2e-16], { accept: [0.9, Infinity] });
  assert.equal(judge(claim([rounded]), undefined).verdict, "reproduced");
});

Deno.test("an interval that is given counts, not that of the observations", () => {
  const measure = (): Evidence => ({ observations: [{ name: "all", value: 2 }], interval: [0, 4] });
  assert.equal(verdict([criterion([], { measure })]), "partly");
});

Deno.test("why a number is not met: more runs, or larger models, by numbers", () => {
  // Student's t: 2.776 · 0.611 / √5 is 0.76, more than the 0.33 to the end; from 16 numbers on it is less.
  assert.match(because(OPEN), /^With as much spread, about 16 such numbers instead of 3/);
  const near = criterion([0.99, 1.011, 1.002]);
  assert.match(because(near), /about \d+ such numbers instead of 3 would be needed/);
  const atEnd = criterion([0.5, 1, 1.5]);
  assert.match(because(atEnd), /at the very end of the accepted range, so that no number of runs/);
  const sized = (values: readonly (readonly [number, number])[]): Criterion<void> => ({
    ...MET,
    measure: () => ({
      observations: values.map(([size, value], i) => ({ name: `run ${i}`, size, value })),
    }),
  });
  const one = sized([[6.5, 0.1], [6.5, 0.2]]);
  assert.match(because(one), /^All stand for one size \(6\.5 B parameters\)/);
  const toward = sized([[1, 0.1], [10, 0.2], [100, 0.3001]]);
  assert.match(
    because(toward),
    /moves by \+0\.1 \[\+0\.0\d+, \+0\.1\d*\] per tenfold size, .*begin at \de\+\d B: too slowly/,
  );
  const soon = sized([[1, 0.6], [10, 0.8], [100, 1.0001]]);
  assert.match(because(soon), /begin at 100 B: size may explain it/);
  const against = sized([[1, 0.3], [10, 0.2], [100, 0.1001]]);
  assert.match(because(against), /against the paper's direction: size does not explain it/);
  const flat = sized([[1, 0.3], [10, 0.1], [100, 0.31]]);
  assert.match(
    because(flat),
    /no trend with size can be told, so whether size explains it is open/,
  );
  assert.match(because(sized([[1, 0.1], [10, 0.2]])), /without an interval/);
  assert.equal(because(MET), "");
});

Deno.test("the rule of a claim says every range, in the units of its numbers", () => {
  const { rule } = notRunYet(
    claim([
      criterion([], { quantity: "a share", unit: "%", accept: [0.9, Infinity] }),
      criterion([], { quantity: "a gain", unit: "points", accept: [-Infinity, 0.01] }),
      decisive(criterion([], { quantity: "a ratio", unit: "×", accept: [0.5, 2] })),
      criterion([], { quantity: "all", unit: "%", accept: [1, 1] }),
    ]),
    ["a", "b"],
  );
  assert.equal(
    rule,
    "a share at least 90 %; a gain at most 1.0 points; a ratio from 0.5× to 2× (decisive); all is 100 %.",
  );
});

Deno.test("the text has every claim, what is missing, and the rule", () => {
  const claims = [
    judge(claim([MET], [MISSED]), undefined),
    notRunYet(claim([MET]), ["a", "b", "c", "d"]),
  ];
  const text = claimsText(claims);
  assert.match(text, /^ 7 {2}reproduced: Something holds\.\n {4}Sec\. 9\. The paper: 2\.$/m);
  assert.match(text, /^ {4}Read as way 2: not reproduced\.$/m);
  assert.match(text, /^ {4}met {11}some number: 2 \[1\.75, 2\.25\], mean of 3 \(accepted: from 1/m);
  assert.match(text, /4 runs are still to be made: a, b, c and 1 more\.\n {4}Rule: some number/);
  assert.equal(countVerdicts(claims), "2 claims: 1 reproduced, 1 not run yet.");
});
