// Adds the KL to a reference policy, estimated from each token, to the loss and its gradient. A token with
// a log-probability that is NaN or infinite has the KL NaN; it spoils the loss only where that has the KL.
// Prepend elementary.wgsl, sums.wgsl, token_vectors.wgsl and token_weights.wgsl.

// 0: k1, 1: abs, 2: k2, 3: k3.
override ESTIMATOR: u32;

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
  // Weight of the KL in the loss.
  coefficient: f32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<vec4u>;
// See row_weights.wgsl.
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// Log-probabilities of the current policy, [size], in nats.
@group(0) @binding(2) var<storage, read> log_prob: array<vec4f>;
// Log-probabilities of the reference policy, [size], in nats.
@group(0) @binding(3) var<storage, read> reference_log_prob: array<vec4f>;
// d loss / d log-probability, [size]; added to.
@group(0) @binding(4) var<storage, read_write> grad_log_prob: array<vec4f>;
// Of each block of all parts; its loss is added to.
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
  let p = params;
  let first_weight = weights[0];
  let end = end_of_block(block, p.size);
  let is_in_loss = p.coefficient != 0.0;
  var loss = vec4f();
  var plain = vec4f();
  var without_kl = vec4f();
  for (var i = start_of_block(block) + lane; i < end; i += LANES) {
    let is_token = is_within(i, p.size) & (mask[i] != vec4u());
    let weight = p.coefficient * weights_of(p.first + 4 * i, p.columns, first_weight);
    let x = log_prob[i];
    let reference = reference_log_prob[i];
    let d = x - reference;
    let has_kl = is_finite(x) & is_finite(reference) & is_finite(d);
    let kl = token_kl(select(vec4f(), d, has_kl));
    let before = grad_log_prob[i];
    let grad = spoilt_if(!has_kl & vec4<bool>(is_in_loss), before + weight * kl.derivative);
    grad_log_prob[i] = select(before, grad, is_token);
    loss += select(vec4f(), weight * kl.value, is_token);
    plain += select(vec4f(), kl.value, is_token);
    without_kl += flags(is_token & !has_kl);
  }
  let sum = sum_of_lanes(lane, vec4f(sum_of(loss), sum_of(plain), sum_of(without_kl), 0.0));
  if (lane == 0 && block < p.blocks) {
    let spoils = sum.z > 0.0;
    let at = p.first_block + block;
    sums[at].loss = spoilt_sum(spoils && is_in_loss, sums[at].loss + sum.x);
    sums[at].reference_kl = spoilt_sum(spoils, sum.y);
  }
}

// Estimates of four tokens.
struct Kl {
  value: vec4f,
  derivative: vec4f,
}

// d = ln π - ln π_reference.
fn token_kl(d: vec4f) -> Kl {
  switch ESTIMATOR {
    case 0: { return Kl(d, vec4f(1.0)); }
    case 1: { return Kl(abs(d), sign(d)); }
    case 2: { return Kl(0.5 * d * d, d); }
    default: {
      let clamped = clamp(-d, vec4f(-LARGEST_LOG_RATIO), vec4f(LARGEST_LOG_RATIO));
      let ratio = exp_up_to_88(clamped);
      let value = ratio - clamped - 1.0;
      let derivative = select(vec4f(), 1.0 - ratio, clamped == -d);
      let is_large = value > vec4f(LARGEST_K3);
      return Kl(
        select(value, vec4f(LARGEST_K3), is_large),
        select(derivative, vec4f(), is_large),
      );
    }
  }
}
