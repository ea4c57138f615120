// What the terms of the loss have in common: which tokens a workgroup has, and partial sums of its block.
// Prepended to policy_loss.wgsl, reference_kl.wgsl and entropy_bonus.wgsl.

override LANES: u32;
override PER_LANE: u32;

// Of a block of tokens, or of all.
struct Sums {
  // Weighted.
  loss: f32,
  clipped: f32,
  clipped_lower: f32,
  ppo_kl: f32,
  reference_kl: f32,
  entropy: f32,
  touched: f32,
  tokens: f32,
}

const NOT_A_NUMBER = 0x7fc00000u;

// By the bits: compilers may take it that there is no NaN, and clamps swallow it.
fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000) != 0x7f800000;
}

// NaN in place of a number, whatever it is.
fn spoilt_if(spoils: bool, x: f32) -> f32 {
  return bitcast<f32>(select(bitcast<u32>(x), NOT_A_NUMBER, spoils));
}

var<workgroup> lane_sums: array<vec4f, LANES>;

fn element(block: u32, j: u32, lane: u32) -> u32 {
  return (block * PER_LANE + j) * LANES + lane;
}

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
