// Fills an array with uniform random numbers. Prepend philox.wgsl.

// Invocations of a workgroup.
override LANES: u32;

struct Params {
  // Elements of `out`.
  size: u32,
  // The lower word of the seed.
  seed_low: u32,
  // The upper word.
  seed_high: u32,
  // Tells apart arrays of one seed.
  stream: u32,
}
// Numbers in (0, 1), [size].
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  let bits = philox(vec4u(block, 0, 0, params.stream), vec2u(params.seed_low, params.seed_high));
  let values = to_uniform(bits);
  for (var i = 0u; i < 4; i++) {
    if (4 * block + i < params.size) {
      out[4 * block + i] = values[i];
    }
  }
}
