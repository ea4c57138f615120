// What attention_means.wgsl writes and attention_backward.wgsl reads of each query.

struct QueryMeans {
  // ln Σ exp(score) over the keys that it sees.
  log_sum_exp: f32,
  // The mean of the gradients of its probabilities, under these.
  gradient: f32,
}
