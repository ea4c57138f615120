// Lists the candidates of a selection: a 32-bit key for each token, such that the tokens to select are those of
// the largest keys, and its index. The order of the list is that of chance, what is selected from it is not.
// Tokens that cannot be selected, such as those whose covariance is NaN, have the key 0 and are not listed, nor
// are those of a key below the lowest. Counts response tokens and candidates.
// Prepend philox.wgsl, counts.wgsl, float_keys.wgsl and token_vectors.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Whether tokens that PPO clips are left out of the sample.
override UNCLIPPED: bool;

struct Params {
  // Tokens of this part.
  size: u32,
  // Those of the parts before this one.
  first: u32,
  // Which part this is.
  part: u32,
  // Invocations in all.
  invocations: u32,
  // Vectors from one that is looked at to the next.
  stride: u32,
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
@group(0) @binding(0) var<storage, read> mask: array<vec4u>;
// Covariance of each token, [size].
@group(0) @binding(1) var<storage, read> covariance: array<vec4f>;
// Log-probabilities of the current policy, [size], in nats.
@group(0) @binding(2) var<storage, read> log_prob: array<vec4f>;
// Log-probabilities of the rollout policy, [size], in nats.
@group(0) @binding(3) var<storage, read> old_log_prob: array<vec4f>;
// Advantages, [size].
@group(0) @binding(4) var<storage, read> advantages: array<vec4f>;
// Which candidates are listed.
@group(0) @binding(5) var<storage, read> listing: Listing;
// Key and index of each candidate.
@group(0) @binding(6) var<storage, read_write> list: array<vec2u>;
// Of each part; added to.
@group(0) @binding(7) var<storage, read_write> counts: array<Counts>;
@group(0) @binding(8) var<uniform> params: Params;

var<workgroup> tokens: atomic<u32>;
var<workgroup> candidates: atomic<u32>;

// Random, and never 0.
fn priorities(vector: u32) -> vec4u {
  let bits = philox(vec4u(vector, 0, 0, params.stream), vec2u(params.seed_low, params.seed_high));
  return max(vec4u(1), bits);
}

fn is_finite(x: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(x) << vec4u(1)) < vec4u(0xff000000);
}

fn in_interval(x: vec4f) -> vec4<bool> {
  return !is_nan(x) & (vec4f(params.low) < x) & (x < vec4f(params.high));
}

// Whether PPO clips the tokens: the bounded loss is the larger one. A token whose loss is no number is left
// out as well.
fn are_clipped(vector: u32) -> vec4<bool> {
  let x = log_prob[vector];
  let old = old_log_prob[vector];
  let advantage = advantages[vector];
  let has_loss = is_finite(x) & is_finite(old) & is_finite(advantage);
  // Larger ratios may overflow, and a bound that stands for none must stay above.
  let ratio = exp(min(x - old, vec4f(88.0)));
  let bounded = clamp(ratio, vec4f(1.0 - params.clip_low), vec4f(1.0 + params.clip_high));
  return !has_loss | (-advantage * bounded > -advantage * ratio);
}

fn count_of(flags: vec4<bool>) -> u32 {
  let ones = select(vec4u(), vec4u(1), flags);
  return ones.x + ones.y + ones.z + ones.w;
}

// Appends what is to be listed of a vector.
fn append(keys: vec4u, first: u32, lowest: u32) {
  let is_listed = keys >= vec4u(lowest);
  let n = count_of(is_listed);
  var at = 0u;
  if (n > 0) {
    at = atomicAdd(&counts[params.part].listed, n);
  }
  if (is_listed.x) {
    list[at] = vec2u(keys.x, first);
    at += 1;
  }
  if (is_listed.y) {
    list[at] = vec2u(keys.y, first + 1);
    at += 1;
  }
  if (is_listed.z) {
    list[at] = vec2u(keys.z, first + 2);
    at += 1;
  }
  if (is_listed.w) {
    list[at] = vec2u(keys.w, first + 3);
  }
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
    atomicAdd(&counts[params.part].tokens, atomicLoad(&tokens));
    atomicAdd(&counts[params.part].candidates, atomicLoad(&candidates));
  }
}

// The vector past the last one; none is looked at where the list is done.
fn end() -> u32 {
  return select((params.size + 3) / 4, 0, listing.is_done != 0);
}

// By covariance, for the top k.
@compute @workgroup_size(LANES)
fn top(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  begin(lane);
  let p = params;
  let lowest = max(1, listing.lowest);
  let past = end();
  var n = 0u;
  var c = 0u;
  for (
    var i = (workgroup.x * LANES + lane) * p.stride;
    i < past;
    i += p.invocations * p.stride
  ) {
    let is_token = is_within(i, p.size) & (mask[i] != vec4u());
    let x = covariance[i];
    let is_candidate = is_token & !is_nan(x);
    n += count_of(is_token);
    c += count_of(is_candidate);
    append(select(vec4u(), keys_of(x), is_candidate), p.first + 4 * i, lowest);
  }
  finish(lane, n, c);
}

// By chance, for a uniform sample of those in the interval.
@compute @workgroup_size(LANES)
fn sample(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  begin(lane);
  let p = params;
  let lowest = max(1, listing.lowest);
  let past = end();
  var n = 0u;
  var c = 0u;
  for (
    var i = (workgroup.x * LANES + lane) * p.stride;
    i < past;
    i += p.invocations * p.stride
  ) {
    let is_token = is_within(i, p.size) & (mask[i] != vec4u());
    var is_candidate = is_token & in_interval(covariance[i]);
    if (UNCLIPPED) {
      is_candidate &= !are_clipped(i);
    }
    n += count_of(is_token);
    c += count_of(is_candidate);
    append(select(vec4u(), priorities(p.first / 4 + i), is_candidate), p.first + 4 * i, lowest);
  }
  finish(lane, n, c);
}
