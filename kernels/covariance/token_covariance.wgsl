// The covariance of each response token (paper, Eq. 10), (ln π - mean ln π)·(A - mean A), 0 for padding,
// and its mean: partial sums of blocks, then their total by one workgroup. Prepend
// sum_of_lanes.wgsl, means.wgsl and token_vectors.wgsl.

struct Params {
  // Number of tokens, of this part.
  size: u32,
  // Workgroups of this part, or of all.
  blocks: u32,
  // Workgroups of the parts before this one.
  first_block: u32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<vec4u>;
// Log-probabilities, [size], in nats.
@group(0) @binding(1) var<storage, read> log_prob: array<vec4f>;
// Advantages, [size].
@group(0) @binding(2) var<storage, read> advantages: array<vec4f>;
// Number of response tokens, [1].
@group(0) @binding(3) var<storage, read> count: array<u32>;
// Means over them.
@group(0) @binding(4) var<storage, read> means: Means;
// Covariance of each token, [size].
@group(0) @binding(5) var<storage, read_write> covariance: array<vec4f>;
// Sum of the covariances of each block of all parts.
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;
// Mean covariance of the response tokens, [1].
@group(0) @binding(7) var<storage, read_write> mean_covariance: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  let end = end_of_block(block, params.size);
  let center = vec2f(means.log_prob, means.advantage);
  var sum = vec4f();
  for (var i = start_of_block(block) + lane; i < end; i += LANES) {
    let is_token = is_within(i, params.size) & (mask[i] != vec4u());
    let product = (log_prob[i] - center.x) * (advantages[i] - center.y);
    let value = select(vec4f(), product, is_token);
    covariance[i] = value;
    sum += value;
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
    mean_covariance[0] = all / f32(max(1, count[0]));
  }
}
