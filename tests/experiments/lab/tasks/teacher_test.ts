/** Which facts are misconceptions, and what is recalled of them. */
import assert from "node:assert/strict";
import { MATH_TEACHER } from "../../../../experiments/lab/tasks/math/teacher.ts";
import { seededRandom } from "../../../../experiments/lab/tasks/random.ts";
import { drawBeliefs } from "../../../../experiments/lab/tasks/teacher.ts";

const FACTS = Array.from({ length: 100 }, (_, i) => ({
  right: i % 10,
  wrong: [...Array(10).keys()].filter((answer) => answer !== i % 10),
}));

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

Deno.test("what is recalled is the right answer as often as it should be, else one and the same wrong one", () => {
  const beliefs = drawBeliefs(FACTS, {
    ...MATH_TEACHER,
    misconceptionShare: 0.5,
    misconceptionRight: [0.2, 0.4],
  });
  const random = seededRandom(2);
  for (const [fact, { right, wrong }] of FACTS.entries()) {
    const counts = Array(10).fill(0);
    for (let i = 0; i < 2000; i++) counts[beliefs.recall(fact, random)]++;
    const chance = beliefs.chanceOfRight(fact);
    assert.equal(chance === 1, !beliefs.isMisconception(fact));
    assert(Math.abs(counts[right] / 2000 - chance) < 0.055, `${counts}, expected ${chance}`);
    if (chance < 1) assert.equal(wrong.filter((answer) => counts[answer] > 0).length, 1);
    assert.equal(counts.filter((count) => count > 0).length, chance === 1 ? 1 : 2);
  }
});
