// Sums over runs of PART rows, column by column: one invocation for a run of one chunk of columns.
// Prepend elements_*.wgsl and side_by_side.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Rows of a run.
override PART: u32;
// Chunks of a row.
override CHUNKS: u32;
// Add to what is there instead of replacing it.
override ACCUMULATE: bool;
// Whether the rows are those of three matrices side by side.
override SIDE_BY_SIDE: bool;

struct Params {
  // Rows in all.
  rows: u32,
  // The words of Sides, in chunks.
  second: u32,
  third: u32,
  columns: u32,
  to_second: u32,
  to_third: u32,
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
  let column = at % CHUNKS;
  var side = Side(0, CHUNKS, 0);
  if (SIDE_BY_SIDE) {
    let sides = Sides(
      params.second,
      params.third,
      params.columns,
      params.to_second,
      params.to_third,
    );
    side = side_of(sides, column);
  }
  var sum = Elements();
  for (var row = first; row < last; row++) {
    // Staged reads index by one name (staged_reads.ts).
    let i = side.offset + row * side.width + column - side.first;
    sum += x[i];
  }
  if (ACCUMULATE) {
    sum += sums[at];
  }
  sums[at] = sum;
}
