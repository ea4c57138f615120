// Adds the partial products of a split inner dimension, in the order of the slices, to the bias and,
// where asked, to what is there. Prepend all_rows.wgsl or active_rows.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Whether there is a bias.
override BIAS: bool;
// Add to what is there instead of replacing it.
override ACCUMULATE: bool;

struct Params {
  // Rows of the result.
  m: u32,
  // The slot of the first.
  first_row: u32,
  // Columns of the result.
  n: u32,
  // Partial products.
  slices: u32,
  // Elements of the result from one row to the next, as stored.
  out_stride: u32,
  // Elements of the result before the first.
  out_offset: u32,
  // Elements before the first of the bias.
  bias_offset: u32,
}
// The partial products, [slices, m, n].
@group(0) @binding(0) var<storage, read> partial: array<f32>;
// Added to every row of the result, [n]; not read without BIAS.
@group(0) @binding(1) var<storage, read> bias: array<f32>;
// The result, rows of m × n.
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let element = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * LANES + lane;
  let size = params.m * params.n;
  if (element >= slots_from(params.first_row, params.m) * params.n) {
    return;
  }
  let column = element % params.n;
  var sum = 0.0;
  for (var slice = 0u; slice < params.slices; slice++) {
    sum += partial[slice * size + element];
  }
  if (BIAS) {
    sum += bias[params.bias_offset + column];
  }
  let at = params.out_offset + element / params.n * params.out_stride + column;
  if (ACCUMULATE) {
    sum += out[at];
  }
  out[at] = sum;
}
