// One step of AdamW (Loshchilov and Hutter 2019) on one tensor, in place. Prepend norm_and_scale.wgsl.

// Invocations of a workgroup, and elements of each.
override LANES: u32;
override PER_LANE: u32;

struct Params {
  // Elements of the parameter.
  size: u32,
  // 1 − learning rate · weight decay.
  keep: f32,
  // β₁, the decay of the mean of gradients.
  beta1: f32,
  // 1 − β₁.
  one_minus_beta1: f32,
  // β₂, the decay of the mean of squared gradients.
  beta2: f32,
  // 1 − β₂.
  one_minus_beta2: f32,
  // learning rate / (1 − β₁ᵗ).
  step_size: f32,
  // 1 / √(1 − β₂ᵗ).
  correction: f32,
  // Added to the root of the mean square.
  epsilon: f32,
}
// The gradient of the loss with respect to the parameter, [size].
@group(0) @binding(0) var<storage, read> gradient: array<f32>;
// Of the gradients of all parameters.
@group(0) @binding(1) var<storage, read> gradient_norm: GradientNorm;
// The parameter, [size].
@group(0) @binding(2) var<storage, read_write> parameter: array<f32>;
// Mean of gradients, [size].
@group(0) @binding(3) var<storage, read_write> first_moment: array<f32>;
// Mean of squared gradients, [size].
@group(0) @binding(4) var<storage, read_write> second_moment: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  // NaN and infinity, by their bits: such a step would spoil the parameters for good.
  if ((bitcast<u32>(gradient_norm.norm) & 0x7f800000) == 0x7f800000) {
    return;
  }
  for (var j = 0u; j < PER_LANE; j++) {
    let i = (block * PER_LANE + j) * LANES + lane;
    if (i < params.size) {
      let g = gradient[i] * gradient_norm.scale;
      let m = params.beta1 * first_moment[i] + params.one_minus_beta1 * g;
      let v = params.beta2 * second_moment[i] + params.one_minus_beta2 * g * g;
      first_moment[i] = m;
      second_moment[i] = v;
      let step = m / (sqrt(v) * params.correction + params.epsilon);
      parameter[i] = params.keep * parameter[i] - params.step_size * step;
    }
  }
}
