// Subtracts the entropy bonus from the loss and writes the gradient with respect to the entropies. An
// entropy that is NaN or infinite spoils the loss and its own gradient only where the loss has the bonus.
// Prepend sums.wgsl, token_vectors.wgsl and token_weights.wgsl.

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
  // Weight of the entropy in the loss.
  coefficient: f32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<vec4u>;
// See row_weights.wgsl.
@group(0) @binding(1) var<storage, read> weights: array<f32>;
// Entropies, [size], in nats.
@group(0) @binding(2) var<storage, read> entropy: array<vec4f>;
// d loss / d entropy, [size].
@group(0) @binding(3) var<storage, read_write> grad_entropy: array<vec4f>;
// Of each block of all parts; its loss is added to.
@group(0) @binding(4) var<storage, read_write> sums: array<Sums>;
@group(0) @binding(5) var<uniform> params: Params;

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
  var without_entropy = vec4f();
  for (var i = start_of_block(block) + lane; i < end; i += LANES) {
    let is_token = is_within(i, p.size) & (mask[i] != vec4u());
    let x = entropy[i];
    let has_entropy = is_finite(x);
    let value = select(vec4f(), x, is_token & has_entropy);
    let grad = -p.coefficient * weights_of(p.first + 4 * i, p.columns, first_weight);
    loss += select(vec4f(), grad * value, is_token);
    plain += value;
    without_entropy += flags(is_token & !has_entropy);
    let spoilt = spoilt_if(!has_entropy & vec4<bool>(is_in_loss), grad);
    grad_entropy[i] = select(vec4f(), spoilt, is_token);
  }
  let sum = sum_of_lanes(lane, vec4f(sum_of(loss), sum_of(plain), sum_of(without_entropy), 0.0));
  if (lane == 0 && block < p.blocks) {
    let spoils = sum.z > 0.0;
    let at = p.first_block + block;
    sums[at].loss = spoilt_sum(spoils && is_in_loss, sums[at].loss + sum.x);
    sums[at].entropy = spoilt_sum(spoils, sum.y);
  }
}
