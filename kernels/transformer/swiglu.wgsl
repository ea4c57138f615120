// out = silu(gate) · up with silu(x) = x · σ(x), and its backward. Prepend all_rows.wgsl or active_rows.wgsl,
// and elementary.wgsl.

// Invocations of a workgroup, and chunks of each.
override LANES: u32;
override PER_LANE: u32;

struct Params {
  // Rows that are bound.
  rows: u32,
  // The first row's slot.
  first_row: u32,
  // Numbers of a row, F.
  columns: u32,
}
// Goes through the sigmoid, [N, F].
@group(0) @binding(0) var<storage, read> gate: array<vec4f>;
// The other input, [N, F].
@group(0) @binding(1) var<storage, read> up: array<vec4f>;
// The gradient of the loss with respect to the result, [N, F].
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
// The result, or the gradient with respect to the gate, [N, F].
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
// The gradient with respect to the other input, [N, F].
@group(0) @binding(4) var<storage, read_write> gradient_up: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

// Chunks of four numbers. The last may end in another row, or in the padding of the buffers.
fn chunks() -> u32 {
  return (slots_from(params.first_row, params.rows) * params.columns + 3) / 4;
}

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
  let end = min(first + PER_LANE * LANES, chunks());
  for (var i = first; i < end; i += LANES) {
    let x = gate[i];
    out[i] = x * sigmoid(x).of_x * up[i];
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
  let end = min(first + PER_LANE * LANES, chunks());
  for (var i = first; i < end; i += LANES) {
    let x = gate[i];
    let g = gradient[i];
    let s = sigmoid(x);
    out[i] = g * up[i] * s.of_x * fma(x, s.of_minus_x, vec4f(1));
    gradient_up[i] = g * x * s.of_x;
  }
}
