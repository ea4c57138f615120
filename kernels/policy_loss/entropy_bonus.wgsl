// Subtracts the entropy bonus from the loss and writes the gradient with respect to the entropies.
// Prepend sums.wgsl.

struct Params {
  size: u32,
  columns: u32,
  blocks: u32,
  coefficient: f32,
}
@group(0) @binding(0) var<storage, read> mask: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> entropy: array<f32>;
@group(0) @binding(3) var<storage, read_write> grad_entropy: array<f32>;
@group(0) @binding(4) var<storage, read_write> sums: array<Sums>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  // Weighted and plain.
  var own = vec4f();
  for (var j = 0u; j < PER_LANE; j++) {
    let i = element(block, j, lane);
    if (i < params.size) {
      var grad = 0.0;
      if (mask[i] != 0) {
        grad = -params.coefficient * weights[i / params.columns];
        own += vec4f(grad * entropy[i], entropy[i], 0.0, 0.0);
      }
      grad_entropy[i] = grad;
    }
  }
  let sum = sum_of_lanes(lane, own);
  if (lane == 0 && block < params.blocks) {
    sums[block].loss += sum.x;
    sums[block].entropy = sum.y;
  }
}
