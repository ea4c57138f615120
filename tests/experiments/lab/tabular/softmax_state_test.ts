/** One state of a tabular softmax policy, against definitions and finite differences. */
import assert from "node:assert/strict";
import { randomPolicy, sampleAction } from "../../../../experiments/lab/tabular/random_policy.ts";
import {
  advantagesOf,
  covariance,
  entropy,
  expectation,
  firstOrderEntropyChange,
  logProbabilities,
  naturalPolicyGradient,
  policyGradient,
  probabilities,
  stepped,
} from "../../../../experiments/lab/tabular/softmax_state.ts";
import { seededRandom } from "../../../../experiments/lab/tasks/random.ts";
import { assertClose, differences } from "./support.ts";

const random = seededRandom(3);
const STATES = Array.from({ length: 20 }, () => {
  const { tree, logits } = randomPolicy({ depth: 1, actions: 6 }, random);
  return { logits: logits[0]!, rewards: tree.rewards };
});

Deno.test("entropy: of a uniform, a sure and a known policy", () => {
  assertClose(entropy([5, 5, 5, 5]), Math.log(4), 1e-15);
  assert.equal(entropy([2000, 0, 0]), 0);
  assertClose(entropy([Math.log(0.5), Math.log(0.3), Math.log(0.2)]), 1.0296530140645737, 1e-15);
  assertClose(probabilities([Math.log(3), 0])[0]!, 0.75, 1e-15);
});

Deno.test("covariance is the mean of the product less the product of the means", () => {
  for (const { logits, rewards } of STATES) {
    const logs = logProbabilities(logits);
    const product = expectation(logits, rewards.map((reward, a) => reward * logs[a]!));
    const expected = product - expectation(logits, rewards) * expectation(logits, logs);
    assertClose(covariance(logits, rewards, logs), expected, 1e-13);
  }
});

Deno.test("Lemma 1 is the derivative of the entropy along a step", () => {
  for (const { logits, rewards } of STATES) {
    const [slope] = differences([0], ([eta]) => entropy(stepped(logits, rewards, eta!)));
    assertClose(firstOrderEntropyChange(logits, rewards), slope!, 1e-8);
  }
});

Deno.test("the policy gradient is the derivative of the expected reward, whatever the baseline", () => {
  for (const { logits, rewards } of STATES) {
    const expected = differences(logits, (moved) => expectation(moved, rewards));
    for (const baseline of [0, 7]) {
      const gradient = policyGradient(logits, rewards.map((reward) => reward - baseline));
      gradient.forEach((part, a) => assertClose(part, expected[a]!, 1e-8));
    }
  }
});

Deno.test("advantages have mean 0 under the policy", () => {
  for (const { logits, rewards } of STATES) {
    const advantages = advantagesOf(logits, rewards);
    assertClose(expectation(logits, advantages), 0, 1e-14);
    assertClose(advantages[1]! - advantages[0]!, rewards[1]! - rewards[0]!, 1e-14);
  }
});

Deno.test("the natural gradient x solves F·x = ∇J with the least norm", () => {
  for (const { logits, rewards } of STATES) {
    const natural = naturalPolicyGradient(logits, rewards);
    const pi = probabilities(logits);
    const scores = pi.map((_, b) => pi.map((p, a) => Number(a === b) - p));
    const along = scores.map((score) =>
      score.reduce((sum, part, a) => sum + part * natural[a]!, 0)
    );
    const product = pi.map((_, a) =>
      expectation(logits, scores.map((of, b) => of[a]! * along[b]!))
    );
    const gradient = policyGradient(logits, rewards);
    product.forEach((part, a) => assertClose(part, gradient[a]!, 1e-12));
    assertClose(natural.reduce((sum, part) => sum + part, 0), 0, 1e-8);
  }
});

Deno.test("actions are sampled as often as the policy says", () => {
  const logits = [1, 0, -1, -30];
  const draws = 20_000;
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < draws; i++) counts[sampleAction(logits, random)]!++;
  probabilities(logits).forEach((p, a) => {
    const error = Math.sqrt(draws * p * (1 - p));
    assert(Math.abs(counts[a]! - draws * p) <= 4 * error + 1e-3, `action ${a}: ${counts[a]}`);
  });
});
