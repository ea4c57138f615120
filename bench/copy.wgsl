// Copies a buffer, vector by vector.

// Invocations of a workgroup.
override LANES: u32;
// Vectors of an invocation.
override PER_LANE: u32;

struct Params {
  // Vectors in all.
  count: u32,
}
// What is read, [count].
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
// What is written, [count].
@group(0) @binding(1) var<storage, read_write> destination: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (workgroup.y * workgroups.x + workgroup.x) * LANES * PER_LANE + lane;
  for (var i = first; i < first + LANES * PER_LANE; i += LANES) {
    if (i < params.count) {
      destination[i] = source[i];
    }
  }
}
