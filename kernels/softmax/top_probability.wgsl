// Probability of the most likely token of each row, 1/s, from what token_statistics.wgsl wrote.
// Prepend all_rows.wgsl or active_rows.wgsl, power_of_two.wgsl and row_states.wgsl.

// Invocations of a workgroup.
override LANES: u32;

struct Params {
  // Rows, N.
  rows: u32,
}
// What row_states.wgsl says of each row, [N].
@group(0) @binding(0) var<storage, read> states: array<vec4f>;
// Probability of the most likely token of each row, [N]; 0 for invalid rows.
@group(0) @binding(1) var<storage, read_write> top_probability: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const LOG2_OF_E = 1.44269504;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let slot = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * LANES + lane;
  if (slot >= slots_from(0, params.rows)) {
    return;
  }
  let index = row_of(slot);
  let state = states[index];
  let log2_p = max(-state.y * LOG2_OF_E, SMALLEST_POWER);
  top_probability[index] = select(power_of_two(vec4f(log2_p)).x, 0.0, is_invalid(state));
}
