// out = x · r · weight for each row x, with r = 1 / √(mean(x²) + ε). A row is read once and kept in
// registers. Prepend all_rows.wgsl or active_rows.wgsl, elements_*.wgsl, and rms_norm_plain.wgsl or
// rms_norm_residual.wgsl. Constant: PER_LANE, the chunks of a row that one invocation takes.

// Invocations that share a row, a power of two, and rows of a workgroup.
override LANES: u32;
override ROWS: u32;
// Chunks of a row.
override CHUNKS: u32;

struct Params {
  // Rows that are bound.
  rows: u32,
  // The first row's index in `inverse_rms`.
  first_row: u32,
  // ε, added to the mean square.
  epsilon: f32,
}
// Multiplies each column, [D].
@group(0) @binding(3) var<storage, read> weight: array<Elements>;
// The result, [rows, D].
@group(0) @binding(4) var<storage, read_write> out: array<Elements>;
// r of each row, for the backward, [N].
@group(0) @binding(5) var<storage, read_write> inverse_rms: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> parts: array<f32, LANES * ROWS>;

@compute @workgroup_size(LANES * ROWS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) at: u32,
) {
  let lane = at % LANES;
  let row = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * ROWS + at / LANES;
  let is_row = row < slots_from(params.first_row, params.rows);
  var values: array<Elements, PER_LANE>;
  var squares = 0.0;
  if (is_row) {
    for (var j = 0u; j < PER_LANE; j++) {
      let chunk = j * LANES + lane;
      if (chunk < CHUNKS) {
        let value = load(row * CHUNKS + chunk);
        values[j] = value;
        squares += sum_of(value * value);
      }
    }
  }
  if (LANES > 1) {
    parts[at] = squares;
    for (var apart = LANES / 2; apart > 0; apart /= 2) {
      workgroupBarrier();
      if (lane < apart) {
        parts[at] += parts[at + apart];
      }
    }
    workgroupBarrier();
    squares = parts[at - lane];
  }
  if (is_row) {
    let r = 1.0 / sqrt(squares / f32(CHUNKS * WIDTH) + params.epsilon);
    for (var j = 0u; j < PER_LANE; j++) {
      let chunk = j * LANES + lane;
      if (chunk < CHUNKS) {
        out[row * CHUNKS + chunk] = values[j] * r * weight[chunk];
      }
    }
    if (lane == 0) {
      inverse_rms[params.first_row + row] = r;
    }
  }
}
