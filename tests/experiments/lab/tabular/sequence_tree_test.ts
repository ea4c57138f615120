/** Trees of states against all their responses one by one, finite differences and sampling. */
import assert from "node:assert/strict";
import { Matrix } from "ml-matrix";
import { mean, sampleStandardDeviation } from "simple-statistics";
import { randomPolicy, sampleAction } from "../../../../experiments/lab/tabular/random_policy.ts";
import {
  actionValues,
  type EntropyChange,
  entropyChange,
  entropyToGo,
  expectedReward,
  firstOrderChange,
  firstOrderChangeOfResponses,
  type OfStates,
  reachProbabilities,
  stateCount,
  stateDistribution,
  treeEntropy,
  treeNaturalGradient,
  treePolicyGradient,
  treeStepped,
} from "../../../../experiments/lab/tabular/sequence_tree.ts";
import {
  entropy,
  expectation,
  logProbabilities,
  probabilities,
} from "../../../../experiments/lab/tabular/softmax_state.ts";
import { seededRandom } from "../../../../experiments/lab/tasks/random.ts";
import { assertClose, differences } from "./support.ts";

const ACTIONS = 3;
const random = seededRandom(5);
const POLICIES = [1, 2, 3, 3].map((depth) => randomPolicy({ depth, actions: ACTIONS }, random));
/** A step in a direction of its own, not a gradient. */
const STEPS = POLICIES.map(({ logits }) =>
  logits.map((of) => of.map((_, a) => Math.sin(1 + 3 * a) * of[(a + 1) % ACTIONS]!))
);

/** A whole response: its states and actions in turn, and its number among the leaves. */
interface Response {
  path: { state: number; action: number }[];
  leaf: number;
}

/** Every response, found from its digits in base ACTIONS: another way than the tree's. */
function responses(depth: number): Response[] {
  return Array.from({ length: ACTIONS ** depth }, (_, leaf) => {
    const digits = leaf.toString(ACTIONS).padStart(depth, "0");
    return {
      leaf,
      path: Array.from(digits, (digit, level) => {
        const within = level === 0 ? 0 : parseInt(digits.slice(0, level), ACTIONS);
        return { state: (ACTIONS ** level - 1) / (ACTIONS - 1) + within, action: Number(digit) };
      }),
    };
  });
}

function logProbability({ path }: Response, logits: OfStates): number {
  return path.reduce(
    (sum, { state, action }) => sum + logProbabilities(logits[state]!)[action]!,
    0,
  );
}

/** E[value of a response], over all of them. */
function overResponses(depth: number, logits: OfStates, value: (one: Response) => number): number {
  return responses(depth).reduce(
    (sum, one) => sum + Math.exp(logProbability(one, logits)) * value(one),
    0,
  );
}

function flat(of: OfStates): number[] {
  return of.flatMap((numbers) => numbers);
}

function unflat(numbers: readonly number[]): number[][] {
  return Array.from(
    { length: numbers.length / ACTIONS },
    (_, s) => numbers.slice(s * ACTIONS, (s + 1) * ACTIONS),
  );
}

Deno.test("states, visits, entropy and reward agree with all responses one by one", () => {
  assert.equal(stateCount(3, 3), 13);
  for (const { tree, logits } of POLICIES) {
    const { depth, rewards } = tree;
    const over = (value: (one: Response) => number) => overResponses(depth, logits, value);
    assertClose(over(() => 1), 1, 1e-14);
    reachProbabilities(logits).forEach((reach, s) =>
      assertClose(reach, over(({ path }) => Number(path.some(({ state }) => state === s))), 1e-14)
    );
    assertClose(stateDistribution(tree, logits).reduce((sum, d) => sum + d), 1, 1e-14);
    // The entropy of whole responses is the sum of those of their tokens.
    const ofResponses = -over((one) => logProbability(one, logits));
    assertClose(treeEntropy(tree, logits), ofResponses / depth, 1e-14);
    assertClose(expectedReward(tree, logits), over(({ leaf }) => rewards[leaf]!), 1e-14);
  }
});

Deno.test("values and entropies to go are means over the responses that go on from there", () => {
  for (const { tree, logits } of POLICIES) {
    const { depth, rewards } = tree;
    const [values, toGo] = [actionValues(tree, logits), entropyToGo(tree, logits)];
    const goesOn = ({ path }: Response, s: number, a: number) =>
      path.some(({ state, action }) => state === s && action === a);
    for (const [s, of] of values.entries()) {
      for (const a of of.keys()) {
        const given = (value: (one: Response) => number) =>
          overResponses(depth, logits, (one) => goesOn(one, s, a) ? value(one) : 0) /
          overResponses(depth, logits, (one) => Number(goesOn(one, s, a)));
        assertClose(values[s]![a]!, given(({ leaf }) => rewards[leaf]!), 1e-12);
        const later = given(({ path }) => {
          const at = path.findIndex(({ state }) => state === s);
          return path.slice(at + 1).reduce((sum, { state }) => sum + entropy(logits[state]!), 0);
        });
        assertClose(toGo[s]![a]!, later / depth, 1e-12);
      }
    }
  }
});

Deno.test("∇J agrees with finite differences in every logit", () => {
  for (const { tree, logits, vanilla } of POLICIES) {
    const expected = differences(flat(logits), (moved) => expectedReward(tree, unflat(moved)));
    flat(vanilla).forEach((part, i) => assertClose(part, expected[i]!, 1e-8));
    assert.deepEqual(treePolicyGradient(tree, logits), vanilla);
  }
});

Deno.test("the natural gradient solves F·x = ∇J with the Fisher matrix of whole responses", () => {
  for (const { tree, logits, vanilla } of POLICIES) {
    const size = flat(logits).length;
    const fisher = Matrix.zeros(size, size);
    for (const one of responses(tree.depth)) {
      const score = new Array(size).fill(0);
      for (const { state, action } of one.path) {
        probabilities(logits[state]!).forEach((p, a) =>
          score[state * ACTIONS + a] = Number(a === action) - p
        );
      }
      const column = Matrix.columnVector(score);
      fisher.add(column.mmul(column.transpose()).mul(Math.exp(logProbability(one, logits))));
    }
    const natural = Matrix.columnVector(flat(treeNaturalGradient(tree, logits)));
    const product = fisher.mmul(natural).to1DArray();
    product.forEach((part, i) => assertClose(part, flat(vanilla)[i]!, 1e-11));
  }
});

Deno.test("the two parts of ΔH are its sum, for steps of any size", () => {
  for (const [i, { tree, logits }] of POLICIES.entries()) {
    for (const eta of [-1e-3, 0.1, 1, 30]) {
      const after = treeStepped(logits, STEPS[i]!, eta);
      const { fixedStates, changedStates } = entropyChange(tree, logits, after);
      const total = treeEntropy(tree, after) - treeEntropy(tree, logits);
      assertClose(fixedStates + changedStates, total, 1e-14);
      const change = (state: number) => entropy(after[state]!) - entropy(logits[state]!);
      const inOldStates = overResponses(
        tree.depth,
        logits,
        ({ path }) => mean(path.map(({ state }) => change(state))),
      );
      assertClose(fixedStates, inOldStates, 1e-14);
      if (tree.depth === 1) assert.equal(changedStates, 0);
      else assert(Math.abs(changedStates) > 1e-6);
    }
  }
});

Deno.test("both parts to first order are the derivatives of the exact ones", () => {
  for (const [i, { tree, logits }] of POLICIES.entries()) {
    const first = firstOrderChange(tree, logits, STEPS[i]!);
    for (
      const part of ["fixedStates", "changedStates"] as const satisfies (keyof EntropyChange)[]
    ) {
      const [slope] = differences(
        [0],
        ([eta]) => entropyChange(tree, logits, treeStepped(logits, STEPS[i]!, eta!))[part],
      );
      assertClose(first[part], slope!, 1e-8);
    }
  }
});

Deno.test("with whole responses as actions, Lemma 1 has both parts", () => {
  for (const [i, { tree, logits }] of POLICIES.entries()) {
    const { fixedStates, changedStates } = firstOrderChange(tree, logits, STEPS[i]!);
    const ofResponses = firstOrderChangeOfResponses(tree, logits, STEPS[i]!);
    assertClose(ofResponses, fixedStates + changedStates, 1e-13);
    const [slope] = differences(
      [0],
      ([eta]) => treeEntropy(tree, treeStepped(logits, STEPS[i]!, eta!)),
    );
    assertClose(ofResponses, slope!, 1e-8);
  }
});

Deno.test("sampled responses agree in entropy, reward, and both parts to first order", () => {
  const { tree, logits } = POLICIES.at(-1)!;
  const step = STEPS.at(-1)!;
  const toGo = entropyToGo(tree, logits);
  const first = firstOrderChange(tree, logits, step);
  const sampled = Array.from({ length: 20_000 }, () => {
    let state = 0;
    const one = { entropy: 0, reward: 0, fixed: 0, changed: 0 };
    for (let level = 0; level < tree.depth; level++) {
      const of = logits[state]!;
      const action = sampleAction(of, random);
      const centred = step[state]![action]! - expectation(of, step[state]!);
      one.entropy += entropy(of) / tree.depth;
      one.fixed -= logProbabilities(of)[action]! * centred / tree.depth;
      one.changed += toGo[state]![action]! * centred;
      state = state * ACTIONS + 1 + action;
    }
    return { ...one, reward: tree.rewards[state - logits.length]! };
  });
  const exact = {
    entropy: treeEntropy(tree, logits),
    reward: expectedReward(tree, logits),
    fixed: first.fixedStates,
    changed: first.changedStates,
  };
  for (const key of ["entropy", "reward", "fixed", "changed"] as const) {
    const values = sampled.map((one) => one[key]);
    const error = sampleStandardDeviation(values) / Math.sqrt(values.length);
    const off = Math.abs(mean(values) - exact[key]);
    assert(error > 0 && off < 4 * error, `${key}: off by ${off}, standard error ${error}`);
  }
});
