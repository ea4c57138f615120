// Means over the response tokens of a batch. Prepended to masked_means.wgsl, which takes them, and to
// token_covariance.wgsl, which takes the covariance about them.

struct Means {
  // Of the log-probabilities, in nats.
  log_prob: f32,
  // Of the advantages.
  advantage: f32,
}
