// What the terms of the loss have in common: partial sums of a block. Prepended to policy_loss.wgsl,
// reference_kl.wgsl and entropy_bonus.wgsl, with token_vectors.wgsl, and to metrics.wgsl.

// Invocations of a workgroup.
override LANES: u32;

// Of a block of tokens; of all of them, means over response tokens but for the loss, `selected` and `tokens`.
struct Sums {
  // Weighted.
  loss: f32,
  // Number, or share, of tokens whose ratio is clipped, and of those at the bound of the dual clip.
  clipped: f32,
  clipped_lower: f32,
  // In nats.
  ppo_kl: f32,
  reference_kl: f32,
  entropy: f32,
  // Number of selected tokens, and of response tokens.
  selected: f32,
  tokens: f32,
}

const NOT_A_NUMBER = 0x7fc00000u;

// By the bits: compilers may take it that there is no NaN, and clamps swallow it.
fn is_finite(x: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(x) & vec4u(0x7f800000)) != vec4u(0x7f800000);
}

// NaN in place of numbers, whatever they are.
fn spoilt_if(spoils: vec4<bool>, x: vec4f) -> vec4f {
  return bitcast<vec4f>(select(bitcast<vec4u>(x), vec4u(NOT_A_NUMBER), spoils));
}

fn spoilt_sum(spoils: bool, x: f32) -> f32 {
  return bitcast<f32>(select(bitcast<u32>(x), NOT_A_NUMBER, spoils));
}

// 1 for what holds, 0 for others.
fn flags(holds: vec4<bool>) -> vec4f {
  return select(vec4f(), vec4f(1), holds);
}

var<workgroup> lane_sums: array<vec4f, LANES>;

// The sum over the lanes, known to the first of them.
fn sum_of_lanes(lane: u32, own: vec4f) -> vec4f {
  lane_sums[lane] = own;
  workgroupBarrier();
  var sum = vec4f();
  if (lane == 0) {
    for (var other = 0u; other < LANES; other++) {
      sum += lane_sums[other];
    }
  }
  workgroupBarrier();
  return sum;
}
