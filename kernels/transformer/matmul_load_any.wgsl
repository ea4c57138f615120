// Memory of the matrix product for any shape: four elements from anywhere are parts of two vectors, zeros
// past the last k.

// A, rows of m × k, or of k × m where it is transposed.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
// B, rows of k × n, or of n × k where it is transposed.
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
// Added to every row of the result, [n]; not read without BIAS.
@group(0) @binding(2) var<storage, read> bias: array<f32>;
// The result, rows of m × n, or the partial products, one after the other.
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

// The four elements from `shift`, less than four, on.
fn shifted(first: vec4f, second: vec4f, shift: u32) -> vec4f {
  let by_one = shift % 2 == 1;
  let near = select(first, vec4f(first.yzw, second.x), by_one);
  let far = select(second.xy, second.yz, by_one);
  return select(near, vec4f(near.zw, far), shift >= 2);
}

// Staged reads index by one name (staged_reads.ts).
fn vector_of_a(at: u32) -> vec4f {
  return a[at];
}

fn vector_of_b(at: u32) -> vec4f {
  return b[at];
}

// Four elements of A, of which the first is this.
fn elements_of_a(first: u32) -> vec4f {
  return shifted(vector_of_a(first / 4), vector_of_a(first / 4 + 1), first % 4);
}

// The same of B.
fn elements_of_b(first: u32) -> vec4f {
  return shifted(vector_of_b(first / 4), vector_of_b(first / 4 + 1), first % 4);
}

// Four times four elements of A, `step` from each first to the next.
fn block_of_a(first: u32, step: u32) -> mat4x4f {
  return mat4x4f(
    elements_of_a(first),
    elements_of_a(first + step),
    elements_of_a(first + 2 * step),
    elements_of_a(first + 3 * step),
  );
}

// The same of B.
fn block_of_b(first: u32, step: u32) -> mat4x4f {
  return mat4x4f(
    elements_of_b(first),
    elements_of_b(first + step),
    elements_of_b(first + 2 * step),
    elements_of_b(first + 3 * step),
  );
}

// A block whose column i is at k + i, zeros in those past the last k.
fn columns_before_end(k: u32, block: mat4x4f) -> mat4x4f {
  return mat4x4f(
    select(vec4f(), block[0], k < params.k),
    select(vec4f(), block[1], k + 1 < params.k),
    select(vec4f(), block[2], k + 2 < params.k),
    select(vec4f(), block[3], k + 3 < params.k),
  );
}

// The same of a block whose component i of each column is at k + i.
fn components_before_end(k: u32, block: mat4x4f) -> mat4x4f {
  let is_before = k + vec4u(0, 1, 2, 3) < vec4u(params.k);
  return mat4x4f(
    select(vec4f(), block[0], is_before),
    select(vec4f(), block[1], is_before),
    select(vec4f(), block[2], is_before),
    select(vec4f(), block[3], is_before),
  );
}

// Four rows of A at four k: column i of the result is row `row + i`, its components run over k. Rows past
// the last give numbers that are not stored.
fn load_a(row: u32, k: u32) -> mat4x4f {
  let stride = params.a_stride;
  if (TRANSPOSE_A) {
    let block = block_of_a(params.a_offset + k * stride + row, stride);
    return transpose(columns_before_end(k, block));
  }
  return components_before_end(k, block_of_a(params.a_offset + row * stride + k, stride));
}

// Four columns of B at four k: column i of the result is k + i, its components run over the columns.
fn load_b(k: u32, column: u32) -> mat4x4f {
  let stride = params.b_stride;
  if (TRANSPOSE_B) {
    let block = block_of_b(params.b_offset + column * stride + k, stride);
    return transpose(components_before_end(k, block));
  }
  return columns_before_end(k, block_of_b(params.b_offset + k * stride + column, stride));
}

// The bias of four columns; past the last it gives numbers that are not stored.
fn load_bias(column: u32) -> vec4f {
  let at = params.bias_offset + column;
  return vec4f(bias[at], bias[at + 1], bias[at + 2], bias[at + 3]);
}

// Stores four columns of a row, but for those past the last.
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
