// What is known of the candidates of a part of the tokens. Prepended to selection_keys.wgsl, which lists them, and
// to radix_select.wgsl.

struct Counts {
  // Response tokens.
  tokens: atomic<u32>,
  // Those that can be selected.
  candidates: atomic<u32>,
  // Those that are listed.
  listed: atomic<u32>,
}

// Which candidates are listed.
struct Listing {
  // Those of a key of at least this.
  lowest: u32,
  // Not 0 where the list is done.
  is_done: u32,
}
