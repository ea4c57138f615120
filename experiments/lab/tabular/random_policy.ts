import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import type { RandomGenerator } from "../tasks/random.ts";
import {
  type OfStates,
  type SequenceTree,
  stateCount,
  treeNaturalGradient,
  treePolicyGradient,
} from "./sequence_tree.ts";
import { type OfActions, probabilities } from "./softmax_state.ts";

/** Logits are normal numbers times a spread from this range, log-uniform: policies from unsure to sure. */
const SPREADS = [0.5, 4] as const;

/** A policy with the rewards of its responses, and its policy gradients. */
export interface RewardedPolicy {
  /** Length of the responses, and their rewards. */
  readonly tree: SequenceTree;
  /** Logits of the policy. */
  readonly logits: OfStates;
  /** ∇J with exact advantages. */
  readonly vanilla: OfStates;
  /** F⁺·∇J. */
  readonly natural: OfStates;
}

/** What the responses of a policy are made of. */
export interface ResponseSize {
  /** Tokens of a response; with 1 the policy has one state. */
  readonly depth: number;
  /** Tokens to choose from. */
  readonly actions: number;
}

/** A random policy with standard normal rewards, all independent. */
export function randomPolicy(
  { depth, actions }: ResponseSize,
  random: RandomGenerator,
): RewardedPolicy {
  const spread = SPREADS[0] * (SPREADS[1] / SPREADS[0]) ** uniformFloat64(random);
  const logits = Array.from(
    { length: stateCount(actions, depth) },
    () => Array.from({ length: actions }, () => spread * normal(random)),
  );
  const tree = { depth, rewards: Array.from({ length: actions ** depth }, () => normal(random)) };
  const vanilla = treePolicyGradient(tree, logits);
  return { tree, logits, vanilla, natural: treeNaturalGradient(tree, logits) };
}

/** An action sampled from the policy of a state. */
export function sampleAction(logits: OfActions, random: RandomGenerator): number {
  let left = uniformFloat64(random);
  const action = probabilities(logits).findIndex((probability) => (left -= probability) < 0);
  return action < 0 ? logits.length - 1 : action;
}

/** A standard normal number from two uniform ones (Box and Muller 1958). */
function normal(random: RandomGenerator): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)));
  return radius * Math.cos(2 * Math.PI * uniformFloat64(random));
}
