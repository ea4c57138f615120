// Adds the KL to a reference policy, estimated from each token, to the loss and its gradient. A token with
// a log-probability that is NaN or infinite has the KL NaN; it spoils the loss only where that has the KL.
// Prepend elementary.wgsl and sums.wgsl.

// 0: k1, 1: abs, 2: k2, 3: k3.
override ESTIMATOR: u32;

struct Params {
  // Number of tokens, padding included.
  size: u32,
  // Tokens of a response, padding included.
  columns: u32,
  // Workgroups that all are divided among.
  blocks: u32,
  // Weight of the KL in the loss.
  coefficient: f32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<u32>;
// Weight of a token's loss in each response, [size / columns].
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// Log-probabilities of the current policy, [size], in nats.
@group(0) @binding(2) var<storage, read> log_prob: array<f32>;
// Log-probabilities of the reference policy, [size], in nats.
@group(0) @binding(3) var<storage, read> reference_log_prob: array<f32>;
// d loss / d log-probability, [size]; added to.
@group(0) @binding(4) var<storage, read_write> grad_log_prob: array<f32>;
// Of each block, [blocks]; its loss is added to.
@group(0) @binding(5) var<storage, read_write> sums: array<Sums>;
@group(0) @binding(6) var<uniform> params: Params;

// verl clamps the argument of k3 and its value.
const LARGEST_LOG_RATIO = 20.0;
const LARGEST_K3 = 10.0;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  // Weighted and plain; then the number of tokens without a KL.
  var own = vec4f();
  let is_in_loss = params.coefficient != 0.0;
  for (var j = 0u; j < PER_LANE; j++) {
    let i = element(block, j, lane);
    if (i < params.size && mask[i] != 0) {
      let weight = params.coefficient * weights[i / params.columns];
      let d = log_prob[i] - reference_log_prob[i];
      let has_kl = is_finite(log_prob[i]) && is_finite(reference_log_prob[i]) && is_finite(d);
      let kl = token_kl(select(0.0, d, has_kl));
      let grad = grad_log_prob[i] + weight * kl.y;
      grad_log_prob[i] = spoilt_if(!has_kl && is_in_loss, grad);
      own += vec4f(weight * kl.x, kl.x, f32(!has_kl), 0.0);
    }
  }
  let sum = sum_of_lanes(lane, own);
  if (lane == 0 && block < params.blocks) {
    let spoils = sum.z > 0.0;
    sums[block].loss = spoilt_if(spoils && is_in_loss, sums[block].loss + sum.x);
    sums[block].reference_kl = spoilt_if(spoils, sum.y);
  }
}

// The estimate and its derivative; d = ln π - ln π_reference.
fn token_kl(d: f32) -> vec2f {
  switch ESTIMATOR {
    case 0: { return vec2f(d, 1.0); }
    case 1: { return vec2f(abs(d), sign(d)); }
    case 2: { return vec2f(0.5 * d * d, d); }
    default: {
      let clamped = clamp(-d, -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO);
      let ratio = exp_up_to_88(vec4f(clamped)).x;
      let value = ratio - clamped - 1.0;
      if (value > LARGEST_K3) {
        return vec2f(LARGEST_K3, 0.0);
      }
      return vec2f(value, select(0.0, 1.0 - ratio, clamped == -d));
    }
  }
}
