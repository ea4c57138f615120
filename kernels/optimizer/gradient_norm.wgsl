// The norm of a gradient that is spread over several tensors: partial sums of squares for each, one after
// the other in one array, then their total by one workgroup. The order is fixed. Prepend sum_of_lanes.wgsl and
// norm_and_scale.wgsl.

// Elements of an invocation.
override PER_LANE: u32;

struct Params {
  // Elements of this tensor.
  size: u32,
  // Partial sums of this tensor, or of all.
  blocks: u32,
  // Where those of this tensor begin.
  first: u32,
  // The largest norm that is allowed.
  max_norm: f32,
}
// The gradient with respect to one tensor, [size].
@group(0) @binding(0) var<storage, read> gradient: array<f32>;
// Sums of squares, one for each workgroup of each tensor.
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
// The result.
@group(0) @binding(2) var<storage, read_write> gradient_norm: GradientNorm;
@group(0) @binding(3) var<uniform> params: Params;

// torch.nn.utils.clip_grad_norm_ adds this to the norm.
const EPSILON = 1e-6;

@compute @workgroup_size(LANES)
fn partial(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  var sum = 0.0;
  for (var j = 0u; j < PER_LANE; j++) {
    let i = (block * PER_LANE + j) * LANES + lane;
    if (i < params.size) {
      sum += gradient[i] * gradient[i];
    }
  }
  let all = sum_of_lanes(lane, sum);
  if (lane == 0 && block < params.blocks) {
    sums[params.first + block] = all;
  }
}

@compute @workgroup_size(LANES)
fn total(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var block = lane; block < params.blocks; block += LANES) {
    sum += sums[block];
  }
  let all = sum_of_lanes(lane, sum);
  if (lane == 0) {
    gradient_norm.norm = sqrt(all);
    let scale = min(1.0, params.max_norm / (gradient_norm.norm + EPSILON));
    let is_finite = (bitcast<u32>(gradient_norm.norm) & 0x7f800000) != 0x7f800000;
    gradient_norm.scale = bitcast<f32>(select(0x7fc00000u, bitcast<u32>(scale), is_finite));
  }
}
