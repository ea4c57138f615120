/**
 * All responses of a fixed length as a tree, exactly and in float64: a state is the prefix of a response, an
 * action its next token, and a leaf, which is a whole response, has a reward. The policy is a tabular
 * softmax in every state. States are numbered from the root, 0, level by level: action a leads from
 * state s to s·actions + 1 + a. Numbers of states are lists over them, without the leaves.
 */
import {
  advantagesOf,
  covariance,
  entropy,
  firstOrderEntropyChange,
  logProbabilities,
  naturalPolicyGradient,
  type OfActions,
  policyGradient,
  probabilities,
  stepped,
} from "./softmax_state.ts";

/** Which responses there are and what they earn. */
export interface SequenceTree {
  /** Tokens of a response. */
  readonly depth: number;
  /** Reward of each whole response, in the order of the leaves, [actions^depth]. */
  readonly rewards: readonly number[];
}

/** Numbers for each action of each state, [states, actions]: logits, a step, values. */
export type OfStates = readonly OfActions[];

/** How many prefixes a tree has that are not whole responses. */
export function stateCount(actions: number, depth: number): number {
  let count = 0;
  for (let level = 0; level < depth; level++) count += actions ** level;
  return count;
}

/** How often a response passes through each state, [states]; 1 at the root. */
export function reachProbabilities(logits: OfStates): number[] {
  const reach = [1];
  for (let state = 0; reach.length < logits.length; state++) {
    for (const probability of probabilities(logits[state]!)) {
      if (reach.length < logits.length) reach.push(reach[state]! * probability);
    }
  }
  return logits.map((_, state) => reach[state]!);
}

/** d_π: how often a token of a response is chosen in each state, [states]; the sum is 1. */
export function stateDistribution(tree: SequenceTree, logits: OfStates): number[] {
  return reachProbabilities(logits).map((probability) => probability / tree.depth);
}

/** H of the policy: the expected entropy of a state under d_π, in nats per token. */
export function treeEntropy(tree: SequenceTree, logits: OfStates): number {
  return weighted(stateDistribution(tree, logits), logits.map(entropy));
}

/** J = E[reward]. */
export function expectedReward(tree: SequenceTree, logits: OfStates): number {
  const values = actionValues(tree, logits)[0]!;
  return weighted(probabilities(logits[0]!), values);
}

/** Q(s, a): the expected reward after an action, [states, actions]. */
export function actionValues(tree: SequenceTree, logits: OfStates): number[][] {
  return expectedAfter(logits, { atState: () => 0, atLeaf: (leaf) => tree.rewards[leaf]! });
}

/** What of H is still to come after an action: expected entropies of later states over the length, [states, actions]. */
export function entropyToGo(tree: SequenceTree, logits: OfStates): number[][] {
  const atState = (state: number) => entropy(logits[state]!) / tree.depth;
  return expectedAfter(logits, { atState, atLeaf: () => 0 });
}

/** What is collected in the states and at the leaf that follow an action, in the mean, [states, actions]. */
function expectedAfter(
  logits: OfStates,
  collect: { atState: (state: number) => number; atLeaf: (leaf: number) => number },
): number[][] {
  const after: number[][] = [];
  for (let state = logits.length - 1; state >= 0; state--) {
    after[state] = logits[state]!.map((_, action, { length }) => {
      const next = state * length + 1 + action;
      if (next >= logits.length) return collect.atLeaf(next - logits.length);
      return collect.atState(next) + weighted(probabilities(logits[next]!), after[next]!);
    });
  }
  return after;
}

/** ∇J, which in a state is the gradient of that state times how often it is reached, [states, actions]. */
export function treePolicyGradient(tree: SequenceTree, logits: OfStates): number[][] {
  const values = actionValues(tree, logits);
  return reachProbabilities(logits).map((reach, s) =>
    policyGradient(logits[s]!, advantagesOf(logits[s]!, values[s]!)).map((part) => reach * part)
  );
}

/**
 * F⁺·∇J, [states, actions]. The Fisher matrix of all responses is one block for each state, times how
 * often the state is reached; so is the gradient, and that cancels.
 */
export function treeNaturalGradient(tree: SequenceTree, logits: OfStates): number[][] {
  const values = actionValues(tree, logits);
  return logits.map((of, s) => naturalPolicyGradient(of, advantagesOf(of, values[s]!)));
}

/** z + η·Δz in every state, [states, actions]. */
export function treeStepped(logits: OfStates, step: OfStates, eta: number): number[][] {
  return logits.map((of, s) => stepped(of, step[s]!, eta));
}

/** The change of H, in nats per token, in the two parts that it is the sum of. */
export interface EntropyChange {
  /** From the entropy of the states, visited as often as before: Σ d_old·(H_new − H_old). */
  readonly fixedStates: number;
  /** From how often the states are visited: Σ (d_new − d_old)·H_new. */
  readonly changedStates: number;
}

/** How H changes from one policy to another, exactly. */
export function entropyChange(
  tree: SequenceTree,
  before: OfStates,
  after: OfStates,
): EntropyChange {
  const [old, now] = [stateDistribution(tree, before), stateDistribution(tree, after)];
  const [oldEntropy, newEntropy] = [before.map(entropy), after.map(entropy)];
  return {
    fixedStates: weighted(old, newEntropy.map((value, s) => value - oldEntropy[s]!)),
    changedStates: weighted(now.map((d, s) => d - old[s]!), newEntropy),
  };
}

/**
 * The same to first order in a step of the logits. With the states visited as before it is
 * −E_{s~d_π}[Cov(log π, Δz)], which is all that the paper has (Lemma 1); the states' part is
 * Σ reach·Cov(entropy to go, Δz), by the policy gradient theorem with the entropy to go for a value.
 */
export function firstOrderChange(
  tree: SequenceTree,
  logits: OfStates,
  step: OfStates,
): EntropyChange {
  const reach = reachProbabilities(logits);
  const toGo = entropyToGo(tree, logits);
  const ofStates = logits.map((of, s) => firstOrderEntropyChange(of, step[s]!) / tree.depth);
  return {
    fixedStates: weighted(reach, ofStates),
    changedStates: weighted(reach, logits.map((of, s) => covariance(of, toGo[s]!, step[s]!))),
  };
}

/**
 * Lemma 1 with whole responses as actions: −Cov_y(log π(y), Δ log π(y)) over the length, in nats per
 * token, with Δ log π(y) to first order in a step of the logits.
 */
export function firstOrderChangeOfResponses(
  tree: SequenceTree,
  logits: OfStates,
  step: OfStates,
): number {
  const perToken = logits.map((of, s) => ({
    logProbabilities: logProbabilities(of),
    changes: advantagesOf(of, step[s]!),
  }));
  let [logs, changes, next] = [[0], [0], 0];
  for (let level = 0; level < tree.depth; level++) {
    const states = perToken.slice(next, next += logs.length);
    logs = states.flatMap((of, i) => of.logProbabilities.map((value) => logs[i]! + value));
    changes = states.flatMap((of, i) => of.changes.map((value) => changes[i]! + value));
  }
  return firstOrderEntropyChange(logs, changes) / tree.depth;
}

function weighted(weights: readonly number[], values: readonly number[]): number {
  return weights.reduce((sum, weight, i) => sum + weight * values[i]!, 0);
}
