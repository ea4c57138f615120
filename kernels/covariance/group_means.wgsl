// Mean covariance of the k tokens of highest covariance, k and the k-th largest key having been found by
// radix_select.wgsl: the sum of all above the k-th, and as often the k-th itself as it is among the k.
// Partial sums of blocks, then their total by one workgroup, in a fixed order. A covariance that is NaN has
// no place in the order, so no mean is known where there is one.
// Prepend sum_of_lanes.wgsl, selection_state.wgsl, float_keys.wgsl and token_vectors.wgsl.

struct Params {
  // Number of tokens of this part.
  size: u32,
  // Workgroups of this part, or of all.
  blocks: u32,
  // Workgroups of the parts before this one.
  first_block: u32,
  // Where the mean goes.
  group: u32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<vec4u>;
// Covariance of each token, [size].
@group(0) @binding(1) var<storage, read> covariance: array<vec4f>;
// The k tokens of this group.
@group(0) @binding(2) var<storage, read> state: SelectionState;
// Sum above the k-th of each block of all parts.
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;
// Mean of each group, [groups].
@group(0) @binding(4) var<storage, read_write> means: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn partial(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  let kth = vec4u(state.key);
  let size = params.size;
  let end = end_of_block(block, size);
  var sum = vec4f();
  for (var i = start_of_block(block) + lane; i < end; i += LANES) {
    let is_token = is_within(i, size) & (mask[i] != vec4u());
    let x = covariance[i];
    sum += select(vec4f(), x, is_token & !is_nan(x) & (keys_of(x) > kth));
  }
  let all = sum_of_lanes(lane, sum_of(sum));
  if (lane == 0 && block < params.blocks) {
    sums[params.first_block + block] = all;
  }
}

@compute @workgroup_size(LANES)
fn total(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var block = lane; block < params.blocks; block += LANES) {
    sum += sums[block];
  }
  let all = sum_of_lanes(lane, sum);
  if (lane == 0) {
    let ties = f32(state.remaining) * float_of_key(state.key);
    let mean = select(0.0, (all + ties) / f32(state.selected), state.selected > 0);
    let has_nan = state.candidates != state.tokens;
    means[params.group] = bitcast<f32>(select(bitcast<u32>(mean), 0x7fc00000u, has_nan));
  }
}
