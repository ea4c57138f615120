// Memory of the matrix product for any shape: element by element, zeros past the last k.

// A, rows of m × k, or of k × m where it is transposed.
@group(0) @binding(0) var<storage, read> a: array<f32>;
// B, rows of k × n, or of n × k where it is transposed.
@group(0) @binding(1) var<storage, read> b: array<f32>;
// Added to every row of the result, [n]; not read without BIAS.
@group(0) @binding(2) var<storage, read> bias: array<f32>;
// The result, rows of m × n, or the partial products, one after the other.
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

fn element_a(row: u32, k: u32) -> f32 {
  let at = select(row * params.a_stride + k, k * params.a_stride + row, TRANSPOSE_A);
  return select(0.0, a[params.a_offset + at], k < params.k);
}

fn element_b(k: u32, column: u32) -> f32 {
  let at = select(k * params.b_stride + column, column * params.b_stride + k, TRANSPOSE_B);
  return select(0.0, b[params.b_offset + at], k < params.k);
}

fn a_over_k(row: u32, k: u32) -> vec4f {
  return vec4f(
    element_a(row, k),
    element_a(row, k + 1),
    element_a(row, k + 2),
    element_a(row, k + 3),
  );
}

fn b_over_columns(k: u32, column: u32) -> vec4f {
  return vec4f(
    element_b(k, column),
    element_b(k, column + 1),
    element_b(k, column + 2),
    element_b(k, column + 3),
  );
}

fn load_a(row: u32, k: u32) -> mat4x4f {
  return mat4x4f(a_over_k(row, k), a_over_k(row + 1, k), a_over_k(row + 2, k), a_over_k(row + 3, k));
}

fn load_b(k: u32, column: u32) -> mat4x4f {
  return mat4x4f(
    b_over_columns(k, column),
    b_over_columns(k + 1, column),
    b_over_columns(k + 2, column),
    b_over_columns(k + 3, column),
  );
}

fn load_bias(column: u32) -> vec4f {
  let at = params.bias_offset + column;
  return vec4f(bias[at], bias[at + 1], bias[at + 2], bias[at + 3]);
}

fn store(row: u32, column: u32, value: vec4f) {
  let at = params.out_offset + row * params.out_stride + column;
  for (var i = 0u; i < min(4, params.n - column); i++) {
    if (ACCUMULATE) {
      out[at + i] += value[i];
    } else {
      out[at + i] = value[i];
    }
  }
}
