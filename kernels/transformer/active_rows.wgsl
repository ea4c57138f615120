// What kernels ask about their rows where only some of a batch are computed: each stands in a slot, the first
// slots are taken. The same names as in all_rows.wgsl.

// Runs of workgroups, a power of two, and the bits of a word that count none of them.
const RUNS = 16u;
const UNUSED_BITS = 28u;

struct ActiveRows {
  // How many rows are computed.
  count: u32,
  // Which they are, in ascending order; what comes after the first `count` means nothing.
  rows: array<u32>,
}
// The rows that are computed, of N.
@group(0) @binding(20) var<storage, read> active_rows: ActiveRows;

// How many of `rows` slots from `first` on are computed.
fn slots_from(first: u32, rows: u32) -> u32 {
  return clamp(active_rows.count, first, first + rows) - first;
}

// The row that a slot stands for.
fn row_of(slot: u32) -> u32 {
  return active_rows.rows[slot];
}

// The place among all workgroups that one takes. Only the first places have rows, and a CPU gives each thread a run
// of workgroups: so the runs take turns, those of both halves first.
fn place_of(workgroup: u32, workgroups: u32) -> u32 {
  let run = max(workgroups / RUNS, 1);
  let place = workgroup % run * RUNS + (reverseBits(workgroup / run) >> UNUSED_BITS);
  return select(workgroup, place, workgroups % RUNS == 0);
}
