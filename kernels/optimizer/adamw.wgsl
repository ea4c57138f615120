// One step of AdamW (Loshchilov and Hutter 2019) on one tensor, in place.

override LANES: u32;
override PER_LANE: u32;

struct Params {
  size: u32,
  // 1 − learning rate · weight decay.
  keep: f32,
  beta1: f32,
  one_minus_beta1: f32,
  beta2: f32,
  one_minus_beta2: f32,
  // learning rate / (1 − β₁ᵗ).
  step_size: f32,
  // 1 / √(1 − β₂ᵗ).
  correction: f32,
  epsilon: f32,
}
@group(0) @binding(0) var<storage, read> gradient: array<f32>;
// The gradient's norm, and the factor that clips it.
@group(0) @binding(1) var<storage, read> norm: array<f32, 2>;
@group(0) @binding(2) var<storage, read_write> parameter: array<f32>;
@group(0) @binding(3) var<storage, read_write> first_moment: array<f32>;
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
  if ((bitcast<u32>(norm[0]) & 0x7f800000) == 0x7f800000) {
    return;
  }
  for (var j = 0u; j < PER_LANE; j++) {
    let i = (block * PER_LANE + j) * LANES + lane;
    if (i < params.size) {
      let g = gradient[i] * norm[1];
      let m = params.beta1 * first_moment[i] + params.one_minus_beta1 * g;
      let v = params.beta2 * second_moment[i] + params.one_minus_beta2 * g * g;
      first_moment[i] = m;
      second_moment[i] = v;
      let step = m / (sqrt(v) * params.correction + params.epsilon);
      parameter[i] = params.keep * parameter[i] - params.step_size * step;
    }
  }
}
