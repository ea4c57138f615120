// The surrogate loss of each response token and its gradient with respect to the log-probability: PPO's
// clip with separate bounds, the dual clip, Clip-Cov (paper, Eq. 12) and KL-Cov (Eq. 14). Begins the
// partial sums. A token with an input that is NaN or infinite has the loss and the gradient NaN, also where
// a clip or a selection would hide it; so has one whose loss depends on a ratio beyond the range of float32.
// Prepend elementary.wgsl and sums.wgsl.

// Whether the ratio is clipped.
override CLIPS: bool;
// Whether the dual clip bounds the loss of negative advantages.
override CLIPS_DUAL: bool;
// What is done to selected tokens: 0 nothing, 1 their loss is zero, 2 |log-ratio| is added, 3 the k3
// estimate of their KL is added.
override SELECTED: u32;

struct Params {
  // Number of tokens, padding included.
  size: u32,
  // Tokens of a response, padding included.
  columns: u32,
  // Workgroups that all are divided among.
  blocks: u32,
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
@group(0) @binding(0) var<storage, read> mask: array<u32>;
// Weight of a token's loss in each response, [size / columns].
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// Log-probabilities of the current policy, [size], in nats.
@group(0) @binding(2) var<storage, read> log_prob: array<f32>;
// Log-probabilities of the rollout policy, [size], in nats.
@group(0) @binding(3) var<storage, read> old_log_prob: array<f32>;
// Advantages, [size].
@group(0) @binding(4) var<storage, read> advantages: array<f32>;
// Not 0 for selected tokens, [size].
@group(0) @binding(5) var<storage, read> selected: array<u32>;
// d loss / d log-probability, [size].
@group(0) @binding(6) var<storage, read_write> grad_log_prob: array<f32>;
// Of each block, [blocks].
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
  // Loss, clipped, clipped below, KL; then numbers of tokens: selected, without a loss, without a KL.
  var first = vec4f();
  var counts = vec4f();
  for (var j = 0u; j < PER_LANE; j++) {
    let i = element(block, j, lane);
    if (i < params.size) {
      var grad = 0.0;
      if (mask[i] != 0) {
        let weight = weights[i / params.columns];
        let is_selected = SELECTED != 0 && selected[i] != 0;
        let log_ratio = log_prob[i] - old_log_prob[i];
        let has_kl = is_finite(log_prob[i]) && is_finite(old_log_prob[i]) && is_finite(log_ratio);
        let has_inputs = has_kl && is_finite(advantages[i]);
        let token = token_loss(
          select(0.0, log_ratio, has_kl),
          select(0.0, advantages[i], has_inputs),
          is_selected,
        );
        let has_loss = has_inputs && !token.overflows;
        grad = spoilt_if(!has_loss, weight * token.grad);
        first += vec4f(weight * token.loss, token.clipped, token.clipped_lower, token.kl);
        counts += vec4f(f32(is_selected), f32(!has_loss), f32(!has_kl), 0.0);
      }
      grad_log_prob[i] = grad;
    }
  }
  let a = sum_of_lanes(lane, first);
  let b = sum_of_lanes(lane, counts);
  if (lane == 0 && block < params.blocks) {
    let loss = spoilt_if(b.y > 0.0, a.x);
    let kl = spoilt_if(b.z > 0.0, a.w);
    sums[block] = Sums(loss, a.y, a.z, kl, 0.0, 0.0, b.x, 0.0);
  }
}

struct Token {
  loss: f32,
  grad: f32,
  clipped: f32,
  clipped_lower: f32,
  kl: f32,
  // Whether the loss depends on a ratio beyond the range of float32.
  overflows: bool,
}

fn ratio_of(delta: f32) -> f32 {
  if (delta > LARGEST_LOG_RATIO) {
    return LARGEST_RATIO;
  }
  if (delta > 88.0) {
    return exp_up_to_88(vec4f(delta - 1.0)).x * 2.71828183;
  }
  return exp_up_to_88(vec4f(delta)).x;
}

fn token_loss(log_ratio: f32, advantage: f32, is_selected: bool) -> Token {
  let delta = clamp(log_ratio, -params.largest_log_ratio, params.largest_log_ratio);
  let ratio = ratio_of(delta);
  let is_infinite = delta > LARGEST_LOG_RATIO;
  var token = Token();
  token.loss = -advantage * ratio;
  token.overflows = is_infinite && advantage != 0.0;
  // What is clamped has no gradient.
  token.grad = select(0.0, token.loss, delta == log_ratio);
  if (CLIPS) {
    let bounded = -advantage * clamp(ratio, 1.0 - params.clip_low, 1.0 + params.clip_high);
    if (bounded > token.loss) {
      token = Token(bounded, 0.0, 1.0, 0.0, 0.0, false);
    }
  }
  if (CLIPS_DUAL) {
    let bound = -advantage * params.dual_clip;
    if (advantage < 0.0 && bound < token.loss) {
      token = Token(bound, 0.0, token.clipped, 1.0, 0.0, false);
    }
  }
  token.kl = -delta;
  if (SELECTED == 1) {
    token.clipped = f32(is_selected);
    if (is_selected) {
      token.loss = 0.0;
      token.grad = 0.0;
      token.overflows = false;
    }
  } else if (SELECTED == 2) {
    token.kl = abs(delta);
    if (is_selected) {
      token.loss += params.kl_coefficient * abs(delta);
      token.grad += params.kl_coefficient * sign(delta);
    }
  } else if (SELECTED == 3 && is_selected) {
    token.loss += params.kl_coefficient * (ratio - 1.0 - delta);
    token.grad += params.kl_coefficient * (ratio - 1.0);
    token.overflows |= is_infinite && params.kl_coefficient != 0.0;
  }
  return token;
}
