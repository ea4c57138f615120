// What is known of a selection. Prepended to the kernels that look for it, and to group_means.wgsl.

struct SelectionState {
  // How many tokens are selected, k.
  selected: u32,
  // How many there are to select from, and how many response tokens.
  candidates: u32,
  tokens: u32,
  // The k-th largest key; while it is looked for, the digits that are known.
  key: u32,
  // How many tokens of that very key are among the k; while it is looked for, how many of the keys that agree
  // with those digits are.
  remaining: u32,
  // How many tokens have that very key.
  equals: u32,
  // The complement of the largest index among those of that very key that are selected, 0 where all are; while it
  // is looked for, the digits that are known.
  index: u32,
}
