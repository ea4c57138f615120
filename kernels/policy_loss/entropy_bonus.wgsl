// Subtracts the entropy bonus from the loss and writes the gradient with respect to the entropies. An
// entropy that is NaN or infinite spoils the loss and its own gradient only where the loss has the bonus.
// Prepend sums.wgsl.

struct Params {
  // Number of tokens, padding included.
  size: u32,
  // Tokens of a response, padding included.
  columns: u32,
  // Workgroups that all are divided among.
  blocks: u32,
  // Weight of the entropy in the loss.
  coefficient: f32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<u32>;
// Weight of a token's loss in each response, [size / columns].
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// Entropies, [size], in nats.
@group(0) @binding(2) var<storage, read> entropy: array<f32>;
// d loss / d entropy, [size].
@group(0) @binding(3) var<storage, read_write> grad_entropy: array<f32>;
// Of each block, [blocks]; its loss is added to.
@group(0) @binding(4) var<storage, read_write> sums: array<Sums>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = workgroup.y * workgroups.x + workgroup.x;
  // Weighted and plain; then the number of tokens without an entropy.
  var own = vec4f();
  let is_in_loss = params.coefficient != 0.0;
  for (var j = 0u; j < PER_LANE; j++) {
    let i = element(block, j, lane);
    if (i < params.size) {
      var grad = 0.0;
      if (mask[i] != 0) {
        let has_entropy = is_finite(entropy[i]);
        let value = select(0.0, entropy[i], has_entropy);
        grad = -params.coefficient * weights[i / params.columns];
        own += vec4f(grad * value, value, f32(!has_entropy), 0.0);
        grad = spoilt_if(!has_entropy && is_in_loss, grad);
      }
      grad_entropy[i] = grad;
    }
  }
  let sum = sum_of_lanes(lane, own);
  if (lane == 0 && block < params.blocks) {
    let spoils = sum.z > 0.0;
    sums[block].loss = spoilt_if(spoils && is_in_loss, sums[block].loss + sum.x);
    sums[block].entropy = spoilt_if(spoils, sum.y);
  }
}
