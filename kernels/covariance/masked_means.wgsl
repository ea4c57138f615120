// Number of response tokens, mean log-probability and mean advantage over them: partial sums of blocks,
// then their total by one workgroup. The order is fixed, so the bits are the same in every run.
// Prepend means.wgsl and token_vectors.wgsl.

// Invocations of a workgroup.
override LANES: u32;

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
// Of each block of all parts: response tokens, bits of the sum of their log-probabilities and of that of their
// advantages, 0.
@group(0) @binding(3) var<storage, read_write> sums: array<vec4u>;
// Number of response tokens, [1].
@group(0) @binding(4) var<storage, read_write> count: array<u32>;
// Their means.
@group(0) @binding(5) var<storage, read_write> means: Means;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> lane_sums: array<vec4u, LANES>;

@compute @workgroup_size(LANES)
fn partial(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  let end = end_of_block(block, params.size);
  var n = vec4u();
  var log_probs = vec4f();
  var all_advantages = vec4f();
  for (var i = start_of_block(block) + lane; i < end; i += LANES) {
    let is_token = is_within(i, params.size) & (mask[i] != vec4u());
    n += select(vec4u(), vec4u(1), is_token);
    log_probs += select(vec4f(), log_prob[i], is_token);
    all_advantages += select(vec4f(), advantages[i], is_token);
  }
  let all = total_of_lanes(lane, n.x + n.y + n.z + n.w, vec2f(sum_of(log_probs), sum_of(all_advantages)));
  if (lane == 0 && block < params.blocks) {
    sums[params.first_block + block] = all;
  }
}

@compute @workgroup_size(LANES)
fn total(@builtin(local_invocation_index) lane: u32) {
  var n = 0u;
  var sum = vec2f();
  for (var block = lane; block < params.blocks; block += LANES) {
    let own = sums[block];
    n += own.x;
    sum += bitcast<vec2f>(own.yz);
  }
  let all = total_of_lanes(lane, n, sum);
  if (lane == 0) {
    count[0] = all.x;
    let mean = bitcast<vec2f>(all.yz) / f32(max(1, all.x));
    means = Means(mean.x, mean.y);
  }
}

// The sums over all lanes as those of a block, known to the first lane.
fn total_of_lanes(lane: u32, n: u32, sum: vec2f) -> vec4u {
  lane_sums[lane] = vec4u(n, bitcast<vec2u>(sum), 0);
  workgroupBarrier();
  var all_n = 0u;
  var all_sum = vec2f();
  if (lane == 0) {
    for (var other = 0u; other < LANES; other++) {
      let own = lane_sums[other];
      all_n += own.x;
      all_sum += bitcast<vec2f>(own.yz);
    }
  }
  return vec4u(all_n, bitcast<vec2u>(all_sum), 0);
}
