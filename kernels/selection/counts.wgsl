// How many tokens there are. Prepended to selection_keys.wgsl, which counts them, and to radix_select.wgsl.

struct Counts {
  // Response tokens.
  tokens: atomic<u32>,
  // Those that can be selected.
  candidates: atomic<u32>,
}
