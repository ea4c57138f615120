// Memory of the matrix product where every row begins on a 16-byte boundary: the fast way.

// A, rows of m × k, or of k × m where it is transposed.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
// B, rows of k × n, or of n × k where it is transposed.
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
// Added to every row of the result, [n]; not read without BIAS.
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
// The result, rows of m × n, or the partial products, one after the other.
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

// Four rows of A at four k: column i of the result is row `row + i`, its components run over k. Rows past
// the last give numbers that are not stored.
fn load_a(row: u32, k: u32) -> mat4x4f {
  if (A_SIDE_BY_SIDE) {
    if (TRANSPOSE_A) {
      let side = side_at(row);
      let at = (params.a_offset + side.offset + k * side.width + row - side.first) / 4;
      let step = side.width / 4;
      return transpose(mat4x4f(a[at], a[at + step], a[at + 2 * step], a[at + 3 * step]));
    }
    let side = side_at(k);
    let at = (params.a_offset + side.offset + row * side.width + k - side.first) / 4;
    let step = side.width / 4;
    return mat4x4f(a[at], a[at + step], a[at + 2 * step], a[at + 3 * step]);
  }
  if (TRANSPOSE_A) {
    let at = (params.a_offset + k * params.a_stride + row) / 4;
    let step = params.a_stride / 4;
    return transpose(mat4x4f(a[at], a[at + step], a[at + 2 * step], a[at + 3 * step]));
  }
  let at = (params.a_offset + row * params.a_stride + k) / 4;
  let step = params.a_stride / 4;
  return mat4x4f(a[at], a[at + step], a[at + 2 * step], a[at + 3 * step]);
}

// Four columns of B at four k: column i of the result is k + i, its components run over the columns.
fn load_b(k: u32, column: u32) -> mat4x4f {
  let step = params.b_stride / 4;
  if (TRANSPOSE_B) {
    let at = (params.b_offset + column * params.b_stride + k) / 4;
    return transpose(mat4x4f(b[at], b[at + step], b[at + 2 * step], b[at + 3 * step]));
  }
  let at = (params.b_offset + k * params.b_stride + column) / 4;
  return mat4x4f(b[at], b[at + step], b[at + 2 * step], b[at + 3 * step]);
}

fn load_bias(column: u32) -> vec4f {
  return bias[(params.bias_offset + column) / 4];
}

fn store(row: u32, column: u32, value: vec4f) {
  var at = (params.out_offset + row * params.out_stride + column) / 4;
  if (OUT_SIDE_BY_SIDE) {
    let side = side_at(column);
    at = (params.out_offset + side.offset + row * side.width + column - side.first) / 4;
  }
  if (ACCUMULATE) {
    out[at] += value;
  } else {
    out[at] = value;
  }
}
