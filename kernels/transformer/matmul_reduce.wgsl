// Adds the partial products of a split inner dimension, in the order of the slices, to the bias and,
// where asked, to what is there.

override LANES: u32;
override BIAS: bool;
override ACCUMULATE: bool;

struct Params {
  m: u32,
  n: u32,
  slices: u32,
  out_stride: u32,
  out_offset: u32,
  bias_offset: u32,
}
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let element = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  let size = params.m * params.n;
  if (element >= size) {
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
