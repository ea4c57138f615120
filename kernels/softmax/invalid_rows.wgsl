// Which rows of logits are invalid. Prepended to token_statistics.wgsl, which finds them, and to
// token_statistics_backward.wgsl, which gives them no gradient.

struct InvalidRows {
  // How many there are.
  count: atomic<u32>,
  // The bitwise inverse of the first one's index, which is the largest; 0 for none.
  inverse_of_first: atomic<u32>,
  // What is wrong with each row, 0 for nothing; between tiles, what State.bits holds.
  codes: array<u32>,
}
