// Number of response tokens, mean log-probability and mean advantage over them: partial sums of blocks,
// then their total by one workgroup. The order is fixed, so the bits are the same in every run.
// Prepend means.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Elements of an invocation.
override PER_LANE: u32;

struct Params {
  // Number of tokens.
  size: u32,
  // Workgroups that they are divided among.
  blocks: u32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<u32>;
// Log-probabilities, [size], in nats.
@group(0) @binding(1) var<storage, read> log_prob: array<f32>;
// Advantages, [size].
@group(0) @binding(2) var<storage, read> advantages: array<f32>;
// Response tokens of each block, [blocks].
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;
// Sums of log-probabilities and of advantages of each block, [blocks].
@group(0) @binding(4) var<storage, read_write> sums: array<vec2f>;
// Number of response tokens, [1].
@group(0) @binding(5) var<storage, read_write> count: array<u32>;
// Their means.
@group(0) @binding(6) var<storage, read_write> means: Means;
@group(0) @binding(7) var<uniform> params: Params;

var<workgroup> lane_counts: array<u32, LANES>;
var<workgroup> lane_sums: array<vec2f, LANES>;

@compute @workgroup_size(LANES)
fn partial(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  var n = 0u;
  var sum = vec2f();
  for (var j = 0u; j < PER_LANE; j++) {
    let i = (block * PER_LANE + j) * LANES + lane;
    if (i < params.size && mask[i] != 0) {
      n += 1;
      sum += vec2f(log_prob[i], advantages[i]);
    }
  }
  lane_counts[lane] = n;
  lane_sums[lane] = sum;
  workgroupBarrier();
  if (lane == 0 && block < params.blocks) {
    add_lanes();
    counts[block] = lane_counts[0];
    sums[block] = lane_sums[0];
  }
}

@compute @workgroup_size(LANES)
fn total(@builtin(local_invocation_index) lane: u32) {
  var n = 0u;
  var sum = vec2f();
  for (var block = lane; block < params.blocks; block += LANES) {
    n += counts[block];
    sum += sums[block];
  }
  lane_counts[lane] = n;
  lane_sums[lane] = sum;
  workgroupBarrier();
  if (lane == 0) {
    add_lanes();
    count[0] = lane_counts[0];
    let mean = lane_sums[0] / f32(max(1, lane_counts[0]));
    means = Means(mean.x, mean.y);
  }
}

// Adds all lanes into the first.
fn add_lanes() {
  for (var other = 1u; other < LANES; other++) {
    lane_counts[0] += lane_counts[other];
    lane_sums[0] += lane_sums[other];
  }
}
