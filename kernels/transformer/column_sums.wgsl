// Sums over runs of PART rows, column by column: one invocation for a run of one chunk of columns.
// Prepend elements_*.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Rows of a run.
override PART: u32;
// Chunks of a row.
override CHUNKS: u32;
// Add to what is there instead of replacing it.
override ACCUMULATE: bool;

struct Params {
  // Rows in all.
  rows: u32,
}
// The rows, [rows, D].
@group(0) @binding(0) var<storage, read> x: array<Elements>;
// The sums of each run, [⌈rows / PART⌉, D].
@group(0) @binding(1) var<storage, read_write> sums: array<Elements>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  let first = at / CHUNKS * PART;
  let last = min(first + PART, params.rows);
  if (first >= params.rows) {
    return;
  }
  var sum = Elements();
  for (var row = first; row < last; row++) {
    sum += x[row * CHUNKS + at % CHUNKS];
  }
  if (ACCUMULATE) {
    sum += sums[at];
  }
  sums[at] = sum;
}
