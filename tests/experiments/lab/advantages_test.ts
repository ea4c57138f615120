/** Advantages against the implementations that others use, and what must hold for any batch. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { grpoAdvantages } from "../../../experiments/lab/advantages/grpo.ts";
import {
  PRIME_BETA,
  primeAdvantages,
  primeLoss,
  primeProcessRewards,
} from "../../../experiments/lab/advantages/prime.ts";
import { reinforcePlusPlusAdvantages } from "../../../experiments/lab/advantages/reinforce_plus_plus.ts";
import {
  AdvantageError,
  type GroupedResponses,
} from "../../../experiments/lab/advantages/responses.ts";
import { rlooAdvantages } from "../../../experiments/lab/advantages/rloo.ts";
import { groupHasSignal } from "../../../experiments/lab/advantages/signal.ts";
import golden from "../../golden/advantages.json" with { type: "json" };

const OUTCOME = {
  grpo: grpoAdvantages,
  rloo: rlooAdvantages,
  reinforce_plus_plus: reinforcePlusPlusAdvantages,
} as const;

const CASES = golden.map(({ reward, group, lengths, T, expected, prime_process_scores }) => ({
  responses: { rewards: reward, group, lengths, columns: T },
  process: prime_process_scores,
  expected,
}));

/** Equal within a tolerance for response tokens, exactly 0 for padding. */
function assertTokens(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { lengths, columns }: GroupedResponses,
  tolerance: number,
): void {
  assert.equal(actual.length, lengths.length * columns);
  for (let i = 0; i < actual.length; i++) {
    const isToken = i % columns < lengths[Math.floor(i / columns)]!;
    if (!isToken) assert(actual[i] === 0, `padding ${i} is ${actual[i]}`);
    else assert(Math.abs(actual[i]! - expected[i]!) <= tolerance, `token ${i}: ${actual[i]}`);
  }
}

/** Any groups of responses, right or wrong, with at least two tokens in all. */
const batches = fc.record({
  groups: fc.integer({ min: 1, max: 5 }),
  group: fc.integer({ min: 2, max: 8 }),
  columns: fc.integer({ min: 1, max: 6 }),
}).chain(({ groups, group, columns }) => {
  const rows = { minLength: groups * group, maxLength: groups * group };
  const numbers = { minLength: groups * group * columns, maxLength: groups * group * columns };
  return fc.record({
    rewards: fc.array(fc.constantFrom(0, 1), rows),
    lengths: fc.array(fc.integer({ min: 1, max: columns }), rows),
    tokens: fc.array(fc.double({ min: -3, max: 3, noNaN: true }), numbers),
    group: fc.constant(group),
    columns: fc.constant(columns),
  });
});

for (const [name, advantages] of Object.entries(OUTCOME)) {
  Deno.test(`${name} is verl's`, () => {
    for (const { responses, expected } of CASES) {
      assertTokens(
        advantages(responses),
        expected[name as keyof typeof OUTCOME],
        responses,
        1e-12,
      );
    }
  });

  Deno.test(`${name} names what does not fit`, () => {
    const good = { rewards: [1, 0, 1, 1], lengths: [1, 2, 3, 0], columns: 3, group: 2 };
    assert.equal(advantages(good).length, 12);
    const cases: [Partial<GroupedResponses>, RegExp][] = [
      [{ rewards: [1, 0] }, /^there are 4 lengths for 2 rewards, expected as many\.$/],
      [{ rewards: [1, 0, NaN, 1] }, /^reward 2 is NaN, expected a finite number\.$/],
      [{ lengths: [1, 4, 3, 0] }, /^length 1 is 4, expected a number from 0 to 3\.$/],
      [{ lengths: [1, 2.5, 3, 0] }, /^length 1 is 2\.5,/],
    ];
    if (name !== "reinforce_plus_plus") {
      cases.push(
        [{ group: 1 }, /^the group is 1, expected a whole number of at least 2\.$/],
        [{ group: 3 }, /^there are 4 rewards, expected whole groups of 3\.$/],
      );
    }
    if (name.startsWith("reinforce")) {
      cases.push([{ lengths: [0, 0, 1, 0] }, /^the batch has 1 response tokens, expected/]);
    }
    for (const [change, message] of cases) {
      assert.throws(
        () => advantages({ ...good, ...change }),
        (error) => error instanceof AdvantageError && message.test(error.message),
      );
    }
  });
}

Deno.test("PRIME's advantages and loss are those of its authors", () => {
  for (const { responses, process, expected } of CASES) {
    assertTokens(primeAdvantages(process, responses), expected.prime, responses, 1e-5);
    const { loss } = primeLoss(process, responses);
    assert(Math.abs(loss - expected.prime_ce_loss) < 1e-12);
  }
});

Deno.test("the gradient of PRIME's loss is its slope", () => {
  fc.assert(
    fc.property(batches, ({ tokens, ...responses }) => {
      const { gradient } = primeLoss(tokens, responses);
      const step = 1e-5;
      for (const i of tokens.keys()) {
        const moved = (by: number) => primeLoss(tokens.with(i, tokens[i]! + by), responses).loss;
        const slope = (moved(step) - moved(-step)) / (2 * step);
        assert(Math.abs(gradient[i]! - slope) < 1e-9, `token ${i}: ${gradient[i]}, ${slope}`);
      }
    }),
    { numRuns: 50, seed: 1 },
  );
});

Deno.test("PRIME's loss stays finite, and exact, for certain verdicts", () => {
  const responses = { rewards: [0, 1], lengths: [1, 1], columns: 1 };
  const { loss, gradient } = primeLoss([1e5, 1e5], responses);
  assert.equal(loss, PRIME_BETA * 1e5 / 2);
  assert.deepEqual([...gradient], [PRIME_BETA / 2, 0]);
});

Deno.test("PRIME's process rewards: scaled log-ratios without the last token's, padding not looked at", () => {
  const responses = { rewards: [1, 0], lengths: [3, 1], columns: 4 };
  const process = primeProcessRewards([2, -5, 7, NaN, 11, NaN, NaN, NaN], responses);
  // Still to come: −3, −5 in the first response, nothing in the second.
  const scale = PRIME_BETA / (PRIME_BETA * 5 + 1e-6);
  assertTokens(
    process,
    [2 * scale, -5 * scale, 0, 0, 0, 0, 0, 0],
    { ...responses, group: 2 },
    1e-15,
  );
  fc.assert(
    fc.property(batches, ({ tokens, ...responses }) => {
      const { lengths, columns } = responses;
      const process = primeProcessRewards(tokens, responses);
      let largest = 0;
      for (const [row, length] of lengths.entries()) {
        let toCome = 0;
        for (let t = length - 1; t >= 0; t--) {
          toCome += process[row * columns + t]!;
          largest = Math.max(largest, Math.abs(toCome));
        }
        assert(process[row * columns + length - 1] === 0);
      }
      assert(largest <= 1);
    }),
    { numRuns: 200, seed: 2 },
  );
});

Deno.test("whitened advantages have mean 0 and variance 1 over the tokens", () => {
  fc.assert(
    fc.property(batches, ({ tokens, ...responses }) => {
      fc.pre(groupHasSignal(responses.rewards, responses.group).includes(true));
      const process = primeProcessRewards(tokens, responses);
      for (
        const advantages of [
          reinforcePlusPlusAdvantages(responses),
          primeAdvantages(process, responses),
        ]
      ) {
        const { lengths, columns } = responses;
        const values = [...advantages].filter((_, i) =>
          i % columns < lengths[Math.floor(i / columns)]!
        );
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) /
          (values.length - 1);
        assert(Math.abs(mean) < 1e-6, `mean ${mean}`);
        assert(Math.abs(variance - 1) < 1e-5, `variance ${variance}`);
      }
    }),
    { numRuns: 300, seed: 3 },
  );
});

Deno.test("a group has signal if and only if GRPO gives it an advantage", () => {
  fc.assert(
    fc.property(batches, ({ tokens: _, ...responses }) => {
      const { group, columns } = responses;
      const advantages = grpoAdvantages(responses);
      const signal = groupHasSignal(responses.rewards, group);
      assert.equal(signal.length, responses.rewards.length / group);
      for (const [at, hasSignal] of signal.entries()) {
        const own = advantages.subarray(at * group * columns, (at + 1) * group * columns);
        assert.equal(own.some((advantage) => advantage !== 0), hasSignal);
      }
    }),
    { numRuns: 300, seed: 4 },
  );
});
