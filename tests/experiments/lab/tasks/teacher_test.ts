/** Which facts are misconceptions, and what is recalled of them. */
import assert from "node:assert/strict";
import { MATH_TEACHER } from "../../../../experiments/lab/tasks/math/teacher.ts";
import { seededRandom } from "../../../../experiments/lab/tasks/random.ts";
import { drawBeliefs } from "../../../../experiments/lab/tasks/teacher.ts";

const FACTS = Array.from({ length: 100 }, (_, i) => ({ right: i % 10, from: 0, to: 10 }));

function misconceptions(misconceptionShare: number, seed = 1): number[] {
  const beliefs = drawBeliefs(FACTS, { ...MATH_TEACHER, misconceptionShare, seed });
  return [...FACTS.keys()].filter((fact) => beliefs.isMisconception(fact));
}

Deno.test("the share of misconceptions is exact, and a larger one keeps those of a smaller one", () => {
  for (const [share, larger] of [[0, 0.2], [0.2, 0.35], [0.35, 1]] as const) {
    const few = misconceptions(share);
    assert.equal(few.length, 100 * share);
    assert(new Set(few).isSubsetOf(new Set(misconceptions(larger))));
  }
  assert.notDeepEqual(misconceptions(0.35, 2), misconceptions(0.35));
});

Deno.test("the chance of the right answer is log-uniform in its range", () => {
  const range = [0.001, 0.1] as const;
  const facts = Array.from({ length: 4000 }, () => FACTS[0]!);
  const beliefs = drawBeliefs(facts, {
    ...MATH_TEACHER,
    misconceptionShare: 1,
    misconceptionRight: range,
  });
  const chances = facts.map((_, fact) => beliefs.chanceOfRight(fact));
  assert(chances.every((chance) => range[0] <= chance && chance <= range[1]));
  for (const share of [0.25, 0.5, 0.75]) {
    const below = chances.filter((chance) => chance < 0.001 * 100 ** share).length / 4000;
    assert(Math.abs(below - share) < 0.035, `${below}, expected ${share}`);
  }
  assert.equal(drawBeliefs(FACTS, { ...MATH_TEACHER, misconceptionShare: 0 }).chanceOfRight(3), 1);
});

Deno.test("what is recalled is the fixed wrong answer, the right one or any other, as often as set", () => {
  const [rightShare, otherShare] = [0.3, 0.1];
  const beliefs = drawBeliefs(FACTS, {
    ...MATH_TEACHER,
    misconceptionShare: 1,
    misconceptionRight: [rightShare, rightShare],
    misconceptionOther: otherShare,
  });
  const random = seededRandom(2);
  for (const fact of [0, 17, 99]) {
    const counts = Array(10).fill(0);
    for (let i = 0; i < 20_000; i++) counts[beliefs.recall(fact, random)]++;
    const wrong = counts.indexOf(Math.max(...counts));
    assert.notEqual(wrong, FACTS[fact]!.right);
    for (const [answer, count] of counts.entries()) {
      const share = answer === wrong
        ? 1 - rightShare - otherShare
        : answer === FACTS[fact]!.right
        ? rightShare
        : otherShare / 8;
      assert(Math.abs(count / 20_000 - share) < 0.02, `${answer}: ${count}, expected ${share}`);
    }
  }
});
