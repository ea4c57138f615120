/**
 * One state of a tabular softmax policy, π(a) = exp(z_a) / Σ exp(z), exactly and in float64: its entropy,
 * the covariance of Lemma 1, and the two policy gradients. Numbers of a state are lists over its actions.
 */
import { CholeskyDecomposition, Matrix } from "ml-matrix";

/** A number for each action of a state, [actions]. */
export type OfActions = readonly number[];

/** log π(a) in nats, [actions]. */
export function logProbabilities(logits: OfActions): number[] {
  const largest = Math.max(...logits);
  const sum = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return logits.map((logit) => logit - largest - Math.log(sum));
}

/** π(a), [actions]. */
export function probabilities(logits: OfActions): number[] {
  return logProbabilities(logits).map(Math.exp);
}

/** E_{a~π}[x]. */
export function expectation(logits: OfActions, x: OfActions): number {
  return probabilities(logits).reduce((sum, probability, a) => sum + probability * x[a]!, 0);
}

/** Cov_{a~π}(x, y). */
export function covariance(logits: OfActions, x: OfActions, y: OfActions): number {
  const pi = probabilities(logits);
  const mean = (values: OfActions) => pi.reduce((sum, p, a) => sum + p * values[a]!, 0);
  const [meanX, meanY] = [mean(x), mean(y)];
  return mean(x.map((value, a) => (value - meanX) * (y[a]! - meanY)));
}

/** H = −E_{a~π}[log π(a)] in nats. */
export function entropy(logits: OfActions): number {
  return logProbabilities(logits).reduce((sum, log) => sum - Math.exp(log) * log, 0);
}

/** z + η·Δz, [actions]. */
export function stepped(logits: OfActions, step: OfActions, eta: number): number[] {
  return logits.map((logit, a) => logit + eta * step[a]!);
}

/** What the entropy changes by to first order, −Cov_{a~π}(log π, Δz) in nats (paper, Lemma 1). */
export function firstOrderEntropyChange(logits: OfActions, step: OfActions): number {
  return -covariance(logits, logProbabilities(logits), step);
}

/** A(a) = Q(a) − E_{a~π}[Q], of which the mean under the policy is 0, [actions]. */
export function advantagesOf(logits: OfActions, values: OfActions): number[] {
  const mean = expectation(logits, values);
  return values.map((value) => value - mean);
}

/**
 * The vanilla policy gradient E_{b~π}[A(b)·∂log π(b)/∂z_a], summed over b as it is defined, [actions];
 * ∂log π(b)/∂z_a = 1{a = b} − π(a).
 *
 * @param advantages Any baseline may have been taken off: the gradient is the same.
 */
export function policyGradient(logits: OfActions, advantages: OfActions): number[] {
  const pi = probabilities(logits);
  return logits.map((_, a) =>
    pi.reduce((sum, p, b) => sum + p * advantages[b]! * (Number(a === b) - pi[a]!), 0)
  );
}

/**
 * The natural policy gradient F⁺·∇J with the Fisher matrix F = diag(π) − ππᵀ, [actions]. F does not see
 * a constant added to all logits, and F⁺ gives the direction whose sum is 0. As ∇J has no part along the
 * constant either, F + 11ᵀ, which can be inverted, gives the same.
 *
 * @param advantages As for {@linkcode policyGradient}.
 */
export function naturalPolicyGradient(logits: OfActions, advantages: OfActions): number[] {
  const pi = probabilities(logits);
  const fisher = pi.map((p, a) => pi.map((q, b) => (a === b ? p : 0) - p * q + 1));
  const gradient = Matrix.columnVector(policyGradient(logits, advantages));
  return new CholeskyDecomposition(new Matrix(fisher)).solve(gradient).to1DArray();
}
