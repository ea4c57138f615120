// Gradients of out = x · r · weight with r = 1 / √(mean(x²) + ε), from the gradient g of the result:
//
//   d x = r · (g · weight - x · r² · mean(g · weight · x))      d weight = Σ over rows of g · x · r
//
// Each invocation goes through several rows, so that it reads the weight once and writes one sum over
// them. Prepend elements_*.wgsl. Constant: PER_LANE, the chunks of a row that one invocation takes.

// Invocations that share a row, a power of two, and rows of a workgroup at a time.
override LANES: u32;
override ROWS: u32;
// Chunks of a row.
override CHUNKS: u32;
// Add to the gradient with respect to x instead of replacing it.
override ACCUMULATE: bool;

struct Params {
  // Rows that are bound.
  rows: u32,
  // Rows that an invocation goes through.
  times: u32,
  // The first row's index in `inverse_rms`.
  first_row: u32,
}
// What the forward normalized, [rows, D].
@group(0) @binding(0) var<storage, read> x: array<Elements>;
// Multiplies each column, [D].
@group(0) @binding(1) var<storage, read> weight: array<Elements>;
// r of each row, of the forward, [N].
@group(0) @binding(2) var<storage, read> inverse_rms: array<f32>;
// g, the gradient of the loss with respect to the result, [rows, D].
@group(0) @binding(3) var<storage, read> gradient: array<Elements>;
// The gradient with respect to x, [rows, D].
@group(0) @binding(4) var<storage, read_write> gradient_x: array<Elements>;
// The weight's gradient, summed over the rows of an invocation, [⌈rows / times⌉, D].
@group(0) @binding(5) var<storage, read_write> weight_sums: array<Elements>;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> parts: array<f32, LANES * ROWS>;

@compute @workgroup_size(LANES * ROWS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) at: u32,
) {
  let lane = at % LANES;
  var weights: array<Elements, PER_LANE>;
  var sums: array<Elements, PER_LANE>;
  for (var j = 0u; j < PER_LANE; j++) {
    weights[j] = weight[min(j * LANES + lane, CHUNKS - 1)];
  }
  let run = (workgroup.y * workgroups.x + workgroup.x) * ROWS + at / LANES;
  for (var time = 0u; time < params.times; time++) {
    let row = run * params.times + time;
    let is_row = row < params.rows;
    var values: array<Elements, PER_LANE>;
    var gradients: array<Elements, PER_LANE>;
    var product = 0.0;
    if (is_row) {
      for (var j = 0u; j < PER_LANE; j++) {
        let chunk = j * LANES + lane;
        if (chunk < CHUNKS) {
          let i = row * CHUNKS + chunk;
          values[j] = x[i];
          gradients[j] = gradient[i];
          product += sum_of(gradients[j] * weights[j] * values[j]);
        }
      }
    }
    if (LANES > 1) {
      workgroupBarrier();
      parts[at] = product;
      for (var apart = LANES / 2; apart > 0; apart /= 2) {
        workgroupBarrier();
        if (lane < apart) {
          parts[at] += parts[at + apart];
        }
      }
      workgroupBarrier();
      product = parts[at - lane];
    }
    if (is_row) {
      let r = inverse_rms[params.first_row + row];
      let scale = r * r * (product / f32(CHUNKS * WIDTH));
      for (var j = 0u; j < PER_LANE; j++) {
        let chunk = j * LANES + lane;
        if (chunk < CHUNKS) {
          let value = r * (gradients[j] * weights[j] - values[j] * scale);
          if (ACCUMULATE) {
            gradient_x[row * CHUNKS + chunk] += value;
          } else {
            gradient_x[row * CHUNKS + chunk] = value;
          }
          sums[j] += gradients[j] * values[j] * r;
        }
      }
    }
  }
  if (run * params.times < params.rows) {
    for (var j = 0u; j < PER_LANE; j++) {
      let chunk = j * LANES + lane;
      if (chunk < CHUNKS) {
        weight_sums[run * CHUNKS + chunk] = sums[j];
      }
    }
  }
}
