// A 32-bit key for each token, such that the tokens to select are those of the largest keys; 0 for
// tokens that cannot be selected, such as those whose covariance is NaN. Counts response tokens and
// candidates. Prepend philox.wgsl and counts.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Elements of an invocation.
override PER_LANE: u32;
// Whether tokens that PPO clips are left out of the sample.
override UNCLIPPED: bool;

struct Params {
  // Tokens.
  size: u32,
  // Candidates of the sample have a covariance above this, ω_low,
  low: f32,
  // and below this, ω_high.
  high: f32,
  // The lower word of the seed of the random numbers.
  seed_low: u32,
  // The upper word.
  seed_high: u32,
  // Tells apart draws of one seed.
  stream: u32,
  // ε of PPO's clip below 1, where candidates are only tokens that it leaves,
  clip_low: f32,
  // and above 1.
  clip_high: f32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<u32>;
// Covariance of each token, [size].
@group(0) @binding(1) var<storage, read> covariance: array<f32>;
// Log-probabilities of the current policy, [size], in nats.
@group(0) @binding(2) var<storage, read> log_prob: array<f32>;
// Log-probabilities of the rollout policy, [size], in nats.
@group(0) @binding(3) var<storage, read> old_log_prob: array<f32>;
// Advantages, [size].
@group(0) @binding(4) var<storage, read> advantages: array<f32>;
// The key of each token, [size].
@group(0) @binding(5) var<storage, read_write> keys: array<u32>;
// Added to.
@group(0) @binding(6) var<storage, read_write> counts: Counts;
@group(0) @binding(7) var<uniform> params: Params;

var<workgroup> tokens: atomic<u32>;
var<workgroup> candidates: atomic<u32>;

// Orders like the numbers; the two zeros are one.
fn key_of_float(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if (bits << 1 == 0) {
    return 0x80000000;
  }
  return select(bits | 0x80000000, ~bits, bits >> 31 == 1);
}

// Random, and never 0.
fn priority(i: u32) -> u32 {
  let bits = philox(vec4u(i / 4, 0, 0, params.stream), vec2u(params.seed_low, params.seed_high));
  return max(1, bits[i % 4]);
}

// By the bits: compilers may take it that there is no NaN.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) << 1) > 0xff000000;
}

fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) << 1) < 0xff000000;
}

fn in_interval(x: f32) -> bool {
  return !is_nan(x) && params.low < x && x < params.high;
}

// Whether PPO clips the token: the bounded loss is the larger one. A token whose loss is no number is left
// out as well.
fn is_clipped(i: u32) -> bool {
  if (!is_finite(log_prob[i]) || !is_finite(old_log_prob[i]) || !is_finite(advantages[i])) {
    return true;
  }
  // Larger ratios may overflow, and a bound that stands for none must stay above.
  let ratio = exp(min(log_prob[i] - old_log_prob[i], 88.0));
  let bounded = clamp(ratio, 1.0 - params.clip_low, 1.0 + params.clip_high);
  return -advantages[i] * bounded > -advantages[i] * ratio;
}

fn begin(lane: u32) {
  if (lane == 0) {
    atomicStore(&tokens, 0u);
    atomicStore(&candidates, 0u);
  }
  workgroupBarrier();
}

fn finish(lane: u32, own_tokens: u32, own_candidates: u32) {
  atomicAdd(&tokens, own_tokens);
  atomicAdd(&candidates, own_candidates);
  workgroupBarrier();
  if (lane == 0) {
    atomicAdd(&counts.tokens, atomicLoad(&tokens));
    atomicAdd(&counts.candidates, atomicLoad(&candidates));
  }
}

fn element(workgroup: vec3u, workgroups: vec3u, lane: u32, j: u32) -> u32 {
  return ((workgroup.y * workgroups.x + workgroup.x) * PER_LANE + j) * LANES + lane;
}

// By covariance, for the top k.
@compute @workgroup_size(LANES)
fn top(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  begin(lane);
  var n = 0u;
  var c = 0u;
  for (var j = 0u; j < PER_LANE; j++) {
    let i = element(workgroup, workgroups, lane, j);
    if (i < params.size) {
      let is_token = mask[i] != 0;
      let is_candidate = is_token && !is_nan(covariance[i]);
      keys[i] = select(0, key_of_float(covariance[i]), is_candidate);
      n += u32(is_token);
      c += u32(is_candidate);
    }
  }
  finish(lane, n, c);
}

// By chance, for a uniform sample of those in the interval.
@compute @workgroup_size(LANES)
fn sample(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  begin(lane);
  var n = 0u;
  var c = 0u;
  for (var j = 0u; j < PER_LANE; j++) {
    let i = element(workgroup, workgroups, lane, j);
    if (i < params.size) {
      let is_token = mask[i] != 0;
      let is_candidate = is_token && in_interval(covariance[i]) && !(UNCLIPPED && is_clipped(i));
      var key = 0u;
      if (is_candidate) {
        key = priority(i);
      }
      keys[i] = key;
      n += u32(is_token);
      c += u32(is_candidate);
    }
  }
  finish(lane, n, c);
}
