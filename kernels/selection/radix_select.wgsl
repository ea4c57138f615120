// Exact selection of the k largest keys, ties by the lowest index, without sorting and without a
// readback, from lists of keys and indices. Four passes each fix eight bits of the k-th largest key from a
// histogram of the keys that agree with it so far; where not all of its equals are selected, four more fix
// the largest index of those that are. Then the tokens selected are marked.
// Prepend philox.wgsl, fraction.wgsl, counts.wgsl and selection_state.wgsl.

// Invocations of a workgroup.
override LANES: u32;

struct Params {
  // Parts that the tokens come in.
  parts: u32,
  // Which of them this is.
  part: u32,
  // Tokens of the parts before this one.
  first: u32,
  // Invocations in all.
  invocations: u32,
  // Whether the digit is of the index and not of the key.
  by_index: u32,
  // Bits below the current digit.
  shift: u32,
  // The share to select, see fraction.wgsl: the lower word of its mantissa,
  share_low: u32,
  // the upper word,
  share_high: u32,
  // and its exponent.
  share_exponent: i32,
  // The least number to select, if there are as many candidates.
  at_least: u32,
}
// Key and index of each candidate of this part.
@group(0) @binding(0) var<storage, read> list: array<vec2u>;
// Of each part, [parts].
@group(0) @binding(1) var<storage, read_write> counts: array<Counts>;
// Which candidates are listed.
@group(0) @binding(2) var<storage, read_write> listing: Listing;
// What is found step by step.
@group(0) @binding(3) var<storage, read_write> state: SelectionState;
// How many of those looked at have each value of the current digit.
@group(0) @binding(4) var<storage, read_write> histogram: array<atomic<u32>, 256>;
// 1 for selected tokens, 0 for others, of this part.
@group(0) @binding(5) var<storage, read_write> selected: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> bins: array<atomic<u32>, 256>;

// Begins the search for a key to list from: the k-th largest of a few tokens, k = at_least.
@compute @workgroup_size(1)
fn begin_lowest() {
  state = SelectionState(params.at_least, 0, 0, 0, params.at_least, 0, 0);
}

// Lists from that key on, or all, at_least = 1, where there were not so many.
@compute @workgroup_size(1)
fn end_lowest() {
  listing.lowest = max(params.at_least, state.key);
}

// Begins the search for the k-th largest of all keys. Where too few are listed, as chance may have it, the list is
// begun again, with all candidates.
@compute @workgroup_size(1)
fn begin() {
  var tokens = 0u;
  var candidates = 0u;
  var listed = 0u;
  for (var part = 0u; part < params.parts; part++) {
    tokens += atomicLoad(&counts[part].tokens);
    candidates += atomicLoad(&counts[part].candidates);
    listed += atomicLoad(&counts[part].listed);
  }
  let wanted = max(
    params.at_least,
    floor_of_product(params.share_low, params.share_high, params.share_exponent, tokens),
  );
  let k = min(wanted, candidates);
  state = SelectionState(k, candidates, tokens, 0, k, 0, 0);
  listing = Listing(0, u32(listed >= k));
  if (listed < k) {
    for (var part = 0u; part < params.parts; part++) {
      atomicStore(&counts[part].listed, 0u);
    }
  }
}

// Whether all equals of the k-th key are selected, so that their index does not matter.
fn takes_all_equals() -> bool {
  return state.remaining == state.equals;
}

@compute @workgroup_size(LANES)
fn count_digits(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let p = params;
  let by_index = p.by_index != 0;
  // Nothing is looked at by workgroups that have no part of the list.
  let listed = select(
    atomicLoad(&counts[p.part].listed),
    0,
    by_index && takes_all_equals(),
  );
  let used = select(0u, 256u, workgroup.x * LANES < listed);
  for (var bin = lane; bin < used; bin += LANES) {
    atomicStore(&bins[bin], 0u);
  }
  workgroupBarrier();
  // Digits above the current one, of which the first pass has none.
  let known = select(0xffffffffu << (p.shift + 8), 0u, p.shift == 24);
  let key = state.key;
  let prefix = select(key, state.index, by_index);
  for (var i = workgroup.x * LANES + lane; i < listed; i += p.invocations) {
    let own = list[i];
    let digits = select(own.x, ~own.y, by_index);
    if ((digits & known) == prefix && (!by_index || own.x == key)) {
      atomicAdd(&bins[(digits >> p.shift) & 0xff], 1u);
    }
  }
  workgroupBarrier();
  for (var bin = lane; bin < used; bin += LANES) {
    let n = atomicLoad(&bins[bin]);
    if (n > 0) {
      atomicAdd(&histogram[bin], n);
    }
  }
}

// Finds the digit at which the count from above reaches what remains, and clears the histogram.
@compute @workgroup_size(1)
fn choose_digit() {
  let by_index = params.by_index != 0;
  if (by_index && takes_all_equals()) {
    return;
  }
  var above = 0u;
  var digit = 255u;
  let remaining = state.remaining;
  var n = 0u;
  for (; digit > 0; digit--) {
    n = atomicLoad(&histogram[digit]);
    if (above + n >= remaining) {
      break;
    }
    above += n;
  }
  if (digit == 0) {
    n = atomicLoad(&histogram[0]);
  }
  if (by_index) {
    state.index |= digit << params.shift;
  } else {
    state.key |= digit << params.shift;
    state.equals = n;
  }
  state.remaining = remaining - above;
  for (var bin = 0u; bin < 256; bin++) {
    atomicStore(&histogram[bin], 0u);
  }
}

@compute @workgroup_size(LANES)
fn mark(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let p = params;
  let kth = state.key;
  let index = state.index;
  // With nothing to select, no key is above.
  let listed = select(0u, atomicLoad(&counts[p.part].listed), state.selected > 0);
  for (var i = workgroup.x * LANES + lane; i < listed; i += p.invocations) {
    let own = list[i];
    let is_tie = own.x == kth;
    if (own.x > kth || (is_tie && ~own.y >= index)) {
      selected[own.y - p.first] = 1;
    }
  }
}
