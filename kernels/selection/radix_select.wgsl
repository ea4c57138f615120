// Exact selection of the k largest keys, ties by the lowest index, without sorting and without a
// readback. Four passes each fix eight bits of the k-th largest key from a histogram of the keys that
// agree with it so far; then the keys above it and, in order, as many of its equals as remain are marked.
// Prepend philox.wgsl, fraction.wgsl, counts.wgsl and selection_state.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Consecutive elements of an invocation, where order matters.
override PER_LANE: u32;
// Elements of an invocation in a histogram.
override PER_LANE_HISTOGRAM: u32;

struct Params {
  // Number of tokens.
  size: u32,
  // Workgroups that they are divided among.
  blocks: u32,
  // Bits of the key below the current digit.
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
// The key of each token, [size]; 0 for those that cannot be selected.
@group(0) @binding(0) var<storage, read> keys: array<u32>;
// Only read.
@group(0) @binding(1) var<storage, read_write> counts: Counts;
// What is found step by step.
@group(0) @binding(2) var<storage, read_write> state: SelectionState;
// How many keys have each value of the current digit.
@group(0) @binding(3) var<storage, read_write> histogram: array<atomic<u32>, 256>;
// Equals of the k-th key in each block, then before each block; [blocks].
@group(0) @binding(4) var<storage, read_write> ties: array<u32>;
// 1 for selected tokens, 0 for others, [size].
@group(0) @binding(5) var<storage, read_write> selected: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> lane_ties: array<u32, LANES>;

@compute @workgroup_size(1)
fn begin() {
  let tokens = atomicLoad(&counts.tokens);
  let candidates = atomicLoad(&counts.candidates);
  let wanted = max(
    params.at_least,
    floor_of_product(params.share_low, params.share_high, params.share_exponent, tokens),
  );
  let k = min(wanted, candidates);
  state = SelectionState(k, candidates, tokens, 0u, k);
}

@compute @workgroup_size(LANES)
fn count_digits(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var bin = lane; bin < 256; bin += LANES) {
    atomicStore(&bins[bin], 0u);
  }
  workgroupBarrier();
  let block = workgroup.y * workgroups.x + workgroup.x;
  // Digits above the current one, of which the first pass has none.
  let known = select(0xffffffffu << (params.shift + 8), 0u, params.shift == 24);
  let prefix = state.key;
  for (var j = 0u; j < PER_LANE_HISTOGRAM; j++) {
    let i = (block * PER_LANE_HISTOGRAM + j) * LANES + lane;
    if (i < params.size) {
      let key = keys[i];
      if (key != 0 && (key & known) == prefix) {
        atomicAdd(&bins[(key >> params.shift) & 0xff], 1u);
      }
    }
  }
  workgroupBarrier();
  for (var bin = lane; bin < 256; bin += LANES) {
    let n = atomicLoad(&bins[bin]);
    if (n > 0) {
      atomicAdd(&histogram[bin], n);
    }
  }
}

// Finds the digit at which the count from above reaches what remains, and clears the histogram.
@compute @workgroup_size(1)
fn choose_digit() {
  var above = 0u;
  var digit = 255u;
  let remaining = state.remaining;
  for (; digit > 0; digit--) {
    let n = atomicLoad(&histogram[digit]);
    if (above + n >= remaining) {
      break;
    }
    above += n;
  }
  state.key |= digit << params.shift;
  state.remaining = remaining - above;
  for (var bin = 0u; bin < 256; bin++) {
    atomicStore(&histogram[bin], 0u);
  }
}

fn ties_of_lane(block: u32, lane: u32) -> u32 {
  var n = 0u;
  for (var j = 0u; j < PER_LANE; j++) {
    let i = (block * LANES + lane) * PER_LANE + j;
    if (i < params.size && keys[i] == state.key) {
      n += 1;
    }
  }
  return n;
}

@compute @workgroup_size(LANES)
fn count_ties(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  lane_ties[lane] = ties_of_lane(block, lane);
  workgroupBarrier();
  if (lane == 0 && block < params.blocks) {
    var n = 0u;
    for (var other = 0u; other < LANES; other++) {
      n += lane_ties[other];
    }
    ties[block] = n;
  }
}

// Turns the counts of blocks into the numbers before each block.
@compute @workgroup_size(LANES)
fn sum_ties(@builtin(local_invocation_index) lane: u32) {
  let run = (params.blocks + LANES - 1) / LANES;
  let first = min(params.blocks, lane * run);
  let last = min(params.blocks, first + run);
  var n = 0u;
  for (var block = first; block < last; block++) {
    n += ties[block];
  }
  lane_ties[lane] = n;
  workgroupBarrier();
  var before = 0u;
  for (var other = 0u; other < lane; other++) {
    before += lane_ties[other];
  }
  for (var block = first; block < last; block++) {
    let own = ties[block];
    ties[block] = before;
    before += own;
  }
}

@compute @workgroup_size(LANES)
fn mark(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  lane_ties[lane] = ties_of_lane(block, lane);
  workgroupBarrier();
  if (block >= params.blocks) {
    return;
  }
  var rank = ties[block];
  for (var other = 0u; other < lane; other++) {
    rank += lane_ties[other];
  }
  let kth = state.key;
  // With nothing to select, no key is above.
  let remaining = state.remaining;
  let any = state.selected > 0;
  for (var j = 0u; j < PER_LANE; j++) {
    let i = (block * LANES + lane) * PER_LANE + j;
    if (i < params.size) {
      let key = keys[i];
      let is_tie = key == kth;
      selected[i] = u32(any && key != 0 && (key > kth || (is_tie && rank < remaining)));
      rank += u32(is_tie);
    }
  }
}
