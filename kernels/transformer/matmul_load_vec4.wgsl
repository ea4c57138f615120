// Memory of the matrix product where every row begins on a 16-byte boundary: the fast way.

// A, rows of m × k, or of k × m where it is transposed.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
// B, rows of k × n, or of n × k where it is transposed.
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
// Added to every row of the result, [n]; not read without BIAS.
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
// The result, rows of m × n, or the partial products, one after the other.
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

// Staged reads index by one name (staged_reads.ts).
fn vector_of_a(at: u32) -> vec4f {
  return a[at];
}

fn vector_of_b(at: u32) -> vec4f {
  return b[at];
}

// Vectors of A from `at` on, `step` apart.
fn vectors_of_a(at: u32, step: u32) -> mat4x4f {
  return mat4x4f(
    vector_of_a(at),
    vector_of_a(at + step),
    vector_of_a(at + 2 * step),
    vector_of_a(at + 3 * step),
  );
}

// The same of B.
fn vectors_of_b(at: u32, step: u32) -> mat4x4f {
  return mat4x4f(
    vector_of_b(at),
    vector_of_b(at + step),
    vector_of_b(at + 2 * step),
    vector_of_b(at + 3 * step),
  );
}

// Vectors at k and the next three, zeros for those past the last k.
fn before_end(k: u32, vectors: mat4x4f) -> mat4x4f {
  if (!TAIL) {
    return vectors;
  }
  return mat4x4f(
    vectors[0],
    select(vec4f(), vectors[1], k + 1 < params.k),
    select(vec4f(), vectors[2], k + 2 < params.k),
    select(vec4f(), vectors[3], k + 3 < params.k),
  );
}

// Four rows of A at four k: column i of the result is row `row + i`, its components run over k. Rows past
// the last give numbers that are not stored.
fn load_a(row: u32, k: u32) -> mat4x4f {
  // The place in A as it is stored.
  let place = select(vec2u(row, k), vec2u(k, row), TRANSPOSE_A);
  var width = params.a_stride;
  var at = params.a_offset + place.x * width + place.y;
  if (A_SIDE_BY_SIDE) {
    let side = side_at(place.y);
    width = side.width;
    at = params.a_offset + side.offset + place.x * width + place.y - side.first;
  }
  let vectors = vectors_of_a(at / 4, width / 4);
  if (TRANSPOSE_A) {
    return transpose(before_end(k, vectors));
  }
  return vectors;
}

// Four columns of B at four k: column i of the result is k + i, its components run over the columns.
fn load_b(k: u32, column: u32) -> mat4x4f {
  let step = params.b_stride / 4;
  if (TRANSPOSE_B) {
    return transpose(vectors_of_b((params.b_offset + column * params.b_stride + k) / 4, step));
  }
  return before_end(k, vectors_of_b((params.b_offset + k * params.b_stride + column) / 4, step));
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
