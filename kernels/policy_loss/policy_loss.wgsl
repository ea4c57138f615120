// The surrogate loss of each response token and its gradient with respect to the log-probability: PPO's
// clip with separate bounds, the dual clip, Clip-Cov (paper, Eq. 12) and KL-Cov (Eq. 14). Begins the
// partial sums. A token with an input that is NaN or infinite has the loss and the gradient NaN, also where
// a clip or a selection would hide it; so has one whose loss depends on a ratio beyond the range of float32.
// Prepend elementary.wgsl, sums.wgsl, token_vectors.wgsl and token_weights.wgsl.

// Whether the ratio is clipped.
override CLIPS: bool;
// Whether the dual clip bounds the loss of negative advantages.
override CLIPS_DUAL: bool;
// What is done to selected tokens: 0 nothing, 1 their loss is zero, 2 |log-ratio| is added, 3 the k3
// estimate of their KL is added.
override SELECTED: u32;

struct Params {
  // Number of tokens of this part, padding included.
  size: u32,
  // Those of the parts before this one.
  first: u32,
  // Tokens of a response, padding included.
  columns: u32,
  // Workgroups of this part.
  blocks: u32,
  // Those of the parts before this one.
  first_block: u32,
  // ε of the ratio's clip below 1,
  clip_low: f32,
  // and above 1.
  clip_high: f32,
  // c of the dual clip.
  dual_clip: f32,
  // The log-ratio is clamped to ± this.
  largest_log_ratio: f32,
  // Weight of the KL that is added to selected tokens.
  kl_coefficient: f32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<vec4u>;
// See row_weights.wgsl.
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// Log-probabilities of the current policy, [size], in nats.
@group(0) @binding(2) var<storage, read> log_prob: array<vec4f>;
// Log-probabilities of the rollout policy, [size], in nats.
@group(0) @binding(3) var<storage, read> old_log_prob: array<vec4f>;
// Advantages, [size].
@group(0) @binding(4) var<storage, read> advantages: array<vec4f>;
// Not 0 for selected tokens, [size].
@group(0) @binding(5) var<storage, read> selected: array<vec4u>;
// d loss / d log-probability, [size].
@group(0) @binding(6) var<storage, read_write> grad_log_prob: array<vec4f>;
// Of each block of all parts.
@group(0) @binding(7) var<storage, read_write> sums: array<Sums>;
@group(0) @binding(8) var<uniform> params: Params;

// The largest log-ratio whose ratio counts as finite, and a number in place of larger ratios: that of
// `limit` in recorder.ts, so that a bound that stands for none does not bound it.
const LARGEST_LOG_RATIO = 88.722;
const LARGEST_RATIO = 3.4e38;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  // Before the loop, in which some compilers would load them again and again.
  let p = params;
  let first_weight = weights[0];
  let end = end_of_block(block, p.size);
  var loss = vec4f();
  var clipped = vec4f();
  var clipped_lower = vec4f();
  var kl = vec4f();
  // Numbers of tokens: selected, without a loss, without a KL.
  var all_selected = vec4f();
  var without_loss = vec4f();
  var without_kl = vec4f();
  for (var i = start_of_block(block) + lane; i < end; i += LANES) {
    let is_token = is_within(i, p.size) & (mask[i] != vec4u());
    let weight = weights_of(p.first + 4 * i, p.columns, first_weight);
    var is_selected = vec4<bool>();
    if (SELECTED != 0) {
      is_selected = is_token & (selected[i] != vec4u());
    }
    let x = log_prob[i];
    let old = old_log_prob[i];
    let advantage = advantages[i];
    let log_ratio = x - old;
    let has_kl = is_finite(x) & is_finite(old) & is_finite(log_ratio);
    let has_inputs = has_kl & is_finite(advantage);
    let tokens = token_losses(
      p,
      select(vec4f(), log_ratio, has_kl),
      select(vec4f(), advantage, has_inputs),
      is_selected,
    );
    let has_loss = has_inputs & !tokens.overflows;
    let grad = spoilt_if(!has_loss, weight * tokens.grad);
    grad_log_prob[i] = select(vec4f(), grad, is_token);
    loss += select(vec4f(), weight * tokens.loss, is_token);
    clipped += flags(is_token & tokens.clipped);
    clipped_lower += flags(is_token & tokens.clipped_lower);
    kl += select(vec4f(), tokens.kl, is_token);
    all_selected += flags(is_selected);
    without_loss += flags(is_token & !has_loss);
    without_kl += flags(is_token & !has_kl);
  }
  let a = sum_of_lanes(lane, vec4f(sum_of(loss), sum_of(clipped), sum_of(clipped_lower), sum_of(kl)));
  let b = sum_of_lanes(
    lane,
    vec4f(sum_of(all_selected), sum_of(without_loss), sum_of(without_kl), 0.0),
  );
  if (lane == 0 && block < params.blocks) {
    let block_loss = spoilt_sum(b.y > 0.0, a.x);
    let block_kl = spoilt_sum(b.z > 0.0, a.w);
    sums[params.first_block + block] = Sums(block_loss, a.y, a.z, block_kl, 0.0, 0.0, b.x, 0.0);
  }
}

// Of four tokens.
struct Tokens {
  loss: vec4f,
  grad: vec4f,
  clipped: vec4<bool>,
  clipped_lower: vec4<bool>,
  kl: vec4f,
  // Whether the loss depends on a ratio beyond the range of float32.
  overflows: vec4<bool>,
}

fn ratios_of(delta: vec4f) -> vec4f {
  // One exponential for all: beyond its range that of one less, times e.
  let bounded = min(delta, vec4f(LARGEST_LOG_RATIO));
  let is_large = delta > vec4f(88.0);
  let ratio = exp_up_to_88(select(bounded, bounded - 1.0, is_large)) *
    select(vec4f(1.0), vec4f(2.71828183), is_large);
  return select(ratio, vec4f(LARGEST_RATIO), delta > vec4f(LARGEST_LOG_RATIO));
}

fn token_losses(
  p: Params,
  log_ratio: vec4f,
  advantage: vec4f,
  is_selected: vec4<bool>,
) -> Tokens {
  let delta = clamp(log_ratio, vec4f(-p.largest_log_ratio), vec4f(p.largest_log_ratio));
  let ratio = ratios_of(delta);
  let is_infinite = delta > vec4f(LARGEST_LOG_RATIO);
  var tokens = Tokens();
  tokens.loss = -advantage * ratio;
  tokens.overflows = is_infinite & (advantage != vec4f());
  // What is clamped has no gradient.
  tokens.grad = select(vec4f(), tokens.loss, delta == log_ratio);
  if (CLIPS) {
    let bounded = -advantage * clamp(ratio, vec4f(1.0 - p.clip_low), vec4f(1.0 + p.clip_high));
    let is_bounded = bounded > tokens.loss;
    tokens.loss = select(tokens.loss, bounded, is_bounded);
    tokens.grad = select(tokens.grad, vec4f(), is_bounded);
    tokens.clipped = is_bounded;
    tokens.overflows &= !is_bounded;
  }
  if (CLIPS_DUAL) {
    let bound = -advantage * p.dual_clip;
    let is_bounded = (advantage < vec4f()) & (bound < tokens.loss);
    tokens.loss = select(tokens.loss, bound, is_bounded);
    tokens.grad = select(tokens.grad, vec4f(), is_bounded);
    tokens.clipped_lower = is_bounded;
    tokens.overflows &= !is_bounded;
  }
  tokens.kl = -delta;
  if (SELECTED == 1) {
    tokens.clipped = is_selected;
    tokens.loss = select(tokens.loss, vec4f(), is_selected);
    tokens.grad = select(tokens.grad, vec4f(), is_selected);
    tokens.overflows &= !is_selected;
  } else if (SELECTED == 2) {
    tokens.kl = abs(delta);
    let weight = select(vec4f(), vec4f(p.kl_coefficient), is_selected);
    tokens.loss += weight * abs(delta);
    tokens.grad += weight * sign(delta);
  } else if (SELECTED == 3) {
    let weight = select(vec4f(), vec4f(p.kl_coefficient), is_selected);
    tokens.loss += weight * (ratio - 1.0 - delta);
    tokens.grad += weight * (ratio - 1.0);
    tokens.overflows |= is_infinite & (weight != vec4f());
  }
  return tokens;
}
