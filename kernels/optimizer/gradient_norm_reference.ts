import type { GradientNorm } from "./gradient_norm.ts";

/**
 * The norm of a gradient over all its tensors, and the scale that clips it, in float64; the scale is NaN
 * where the norm is not finite.
 */
export function gradientNormReference(
  gradients: readonly ArrayLike<number>[],
  maxNorm: number,
): GradientNorm {
  let squares = 0;
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) squares += gradient[i]! ** 2;
  }
  const norm = Math.sqrt(squares);
  return { norm, scale: Number.isFinite(norm) ? Math.min(1, maxNorm / (norm + 1e-6)) : NaN };
}
