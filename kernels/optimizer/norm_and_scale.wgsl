// What gradient_norm.wgsl writes and adamw.wgsl reads.

struct GradientNorm {
  // The Euclidean norm of the gradient of all parameters.
  norm: f32,
  // What to multiply the gradient with so that its norm is at most the largest that is allowed; NaN where
  // the norm is not finite.
  scale: f32,
}
