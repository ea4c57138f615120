/** ε of PPO's clip. */
export const PPO_CLIP = 0.2;

/**
 * Whether PPO's clip takes the gradient from a token: −A·clip(ratio, 1 − ε, 1 + ε) > −A·ratio, where
 * ratio = exp(ln π − ln π_old). False where ln π_old is not known (NaN).
 */
export function isClippedByPpo(logProb: number, oldLogProb: number, advantage: number): boolean {
  const ratio = Math.exp(logProb - oldLogProb);
  return (advantage > 0 && ratio > 1 + PPO_CLIP) || (advantage < 0 && ratio < 1 - PPO_CLIP);
}
