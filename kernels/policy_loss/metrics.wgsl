// The loss and the means of the metrics over all response tokens, by one workgroup, from the partial sums
// of the blocks in a fixed order. Prepend sums.wgsl.

struct Params {
  // Of the tokens.
  blocks: u32,
}
// Of each block, [blocks].
@group(0) @binding(0) var<storage, read> sums: array<Sums>;
// Number of response tokens, [1].
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
// Of all tokens.
@group(0) @binding(2) var<storage, read_write> metrics: Sums;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var first = vec4f();
  var second = vec4f();
  for (var block = lane; block < params.blocks; block += LANES) {
    let s = sums[block];
    first += vec4f(s.loss, s.clipped, s.clipped_lower, s.ppo_kl);
    second += vec4f(s.reference_kl, s.entropy, s.selected, 0.0);
  }
  let a = sum_of_lanes(lane, first);
  let b = sum_of_lanes(lane, second);
  if (lane == 0) {
    let n = f32(max(1, tokens[0]));
    metrics = Sums(a.x, a.y / n, a.z / n, a.w / n, b.x / n, b.y / n, b.z, f32(tokens[0]));
  }
}
