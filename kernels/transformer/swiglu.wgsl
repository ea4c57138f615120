// out = silu(gate) · up with silu(x) = x · σ(x), and its backward, where gate and up are the halves of each
// row. Prepend all_rows.wgsl or active_rows.wgsl, elementary.wgsl, and elements_*.wgsl.

// Invocations of a workgroup, and chunks of each.
override LANES: u32;
override PER_LANE: u32;
// Chunks of a row of the result, half of those of a row of the input.
override CHUNKS: u32;

struct Params {
  // Rows that are bound.
  rows: u32,
  // The first row's slot.
  first_row: u32,
}
// What goes through the sigmoid, then what it is multiplied with, [N, 2F].
@group(0) @binding(0) var<storage, read> gate_up: array<Elements>;
// The gradient of the loss with respect to the result, [N, F].
@group(0) @binding(1) var<storage, read> gradient: array<Elements>;
// The result, [N, F], or the gradient with respect to the input, [N, 2F].
@group(0) @binding(2) var<storage, read_write> out: array<Elements>;
@group(0) @binding(3) var<uniform> params: Params;

// σ(x) and σ(-x), each without cancellation.
struct Sigmoid {
  of_x: vec4f,
  of_minus_x: vec4f,
}

fn sigmoid(x: vec4f) -> Sigmoid {
  // Where exp_up_to_88 goes no lower, 0: its smallest value is not small beside the largest x.
  let is_normal = -abs(x) > vec4f(SMALLEST_EXPONENT);
  let e = select(vec4f(), exp_up_to_88(-abs(x)), is_normal);
  let large = 1.0 / (1.0 + e);
  let small = e * large;
  let positive = x >= vec4f();
  return Sigmoid(select(small, large, positive), select(large, small, positive));
}

@compute @workgroup_size(LANES)
fn forward(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * PER_LANE * LANES + lane;
  let end = min(first + PER_LANE * LANES, slots_from(params.first_row, params.rows) * CHUNKS);
  for (var i = first; i < end; i += LANES) {
    // Staged reads index by one name (staged_reads.ts).
    let at = i + i / CHUNKS * CHUNKS;
    let at_up = at + CHUNKS;
    let x = widened(gate_up[at]);
    out[i] = narrowed(x * sigmoid(x).of_x * widened(gate_up[at_up]));
  }
}

// silu'(x) = σ(x)·(1 + x·σ(-x)).
@compute @workgroup_size(LANES)
fn backward(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * PER_LANE * LANES + lane;
  let end = min(first + PER_LANE * LANES, slots_from(params.first_row, params.rows) * CHUNKS);
  for (var i = first; i < end; i += LANES) {
    // Staged reads index by one name (staged_reads.ts).
    let at = i + i / CHUNKS * CHUNKS;
    let at_up = at + CHUNKS;
    let x = widened(gate_up[at]);
    let up = widened(gate_up[at_up]);
    let g = widened(gradient[i]);
    let s = sigmoid(x);
    out[at] = narrowed(g * up * s.of_x * fma(x, s.of_minus_x, vec4f(1)));
    out[at_up] = narrowed(g * x * s.of_x);
  }
}
