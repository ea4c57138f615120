// The sum of a number over the invocations of a workgroup, in their order. Prepended to the reductions.

// Invocations of a workgroup.
override LANES: u32;

var<workgroup> lane_sums: array<f32, LANES>;

// Known to the first invocation only.
fn sum_of_lanes(lane: u32, own: f32) -> f32 {
  lane_sums[lane] = own;
  workgroupBarrier();
  var sum = 0.0;
  if (lane == 0) {
    for (var other = 0u; other < LANES; other++) {
      sum += lane_sums[other];
    }
  }
  return sum;
}
