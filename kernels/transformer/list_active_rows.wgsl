// Lists the rows that have not ended, in ascending order: each invocation of the one workgroup counts those of a
// run of rows, and writes them after those of the invocations before it.

// Invocations of the workgroup.
override LANES: u32;

struct Params {
  // Rows, N.
  rows: u32,
}
// Not 0 for rows that have ended, [N].
@group(0) @binding(0) var<storage, read> done: array<u32>;
// How many have not, and which they are, [1 + N].
@group(0) @binding(1) var<storage, read_write> active_rows: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> counts: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  let run = (params.rows + LANES - 1) / LANES;
  let first = min(lane * run, params.rows);
  let end = min(first + run, params.rows);
  var count = 0u;
  for (var row = first; row < end; row++) {
    count += u32(done[row] == 0);
  }
  counts[lane] = count;
  workgroupBarrier();
  var slot = 0u;
  for (var before = 0u; before < lane; before++) {
    slot += counts[before];
  }
  if (lane == LANES - 1) {
    active_rows[0] = slot + count;
  }
  for (var row = first; row < end; row++) {
    if (done[row] == 0) {
      slot++;
      active_rows[slot] = row;
    }
  }
}
