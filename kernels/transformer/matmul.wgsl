// out = op(A) · op(B) + bias, where op may transpose; m × k times k × n.
//
// Each invocation computes a tile of 4·ROWS × 4·COLUMNS elements in registers, as blocks of 4 × 4: with
// P[i] = row i of A over four k, and Q[j] = row k + j of B over four columns, the block's row i is
// Σ_j Q[j]·P[i][j], which is column i of the matrix product Q·P. Invocations of one row of the workgroup
// share the rows of A and read neighbouring columns of B. No workgroup memory: on a GPU the caches serve
// the shared reads, and on a CPU a barrier costs more than it saves.
//
// The inner dimension may be split over workgroups in z; each then writes its own partial product, and
// matmul_reduce.wgsl adds them in order. Prepend all_rows.wgsl or active_rows.wgsl, side_by_side.wgsl, and
// matmul_load_vec4.wgsl or matmul_load_any.wgsl.

// Blocks of an invocation, down and across.
override ROWS: u32;
override COLUMNS: u32;
// Invocations of a workgroup, across and in all.
override LANES_ACROSS: u32;
override LANES: u32;
// Whether op transposes.
override TRANSPOSE_A: bool;
override TRANSPOSE_B: bool;
// Whether k ends within four.
override TAIL: bool;
// Whether there is a bias.
override BIAS: bool;
// Add to what is there instead of replacing it.
override ACCUMULATE: bool;
// Whether A, or the result, is three matrices side by side, one after the other in its binding.
override A_SIDE_BY_SIDE: bool;
override OUT_SIDE_BY_SIDE: bool;

struct Params {
  // Rows of the result.
  m: u32,
  // The slot of the first.
  first_row: u32,
  // Columns of the result.
  n: u32,
  // The inner dimension.
  k: u32,
  // Elements of k for each workgroup in z, a multiple of 4.
  k_slice: u32,
  // Elements of A from one row to the next, as stored.
  a_stride: u32,
  // Elements of A before the first.
  a_offset: u32,
  // Elements of B from one row to the next, as stored.
  b_stride: u32,
  // Elements of B before the first.
  b_offset: u32,
  // Elements of the result from one row to the next, as stored.
  out_stride: u32,
  // Elements of the result before the first.
  out_offset: u32,
  // Elements before the first of the bias.
  bias_offset: u32,
  // The words of Sides.
  second: u32,
  third: u32,
  columns: u32,
  to_second: u32,
  to_third: u32,
}
@group(0) @binding(4) var<uniform> params: Params;

// The one of three matrices side by side that has this column.
fn side_at(column: u32) -> Side {
  let sides = Sides(
    params.second,
    params.third,
    params.columns,
    params.to_second,
    params.to_third,
  );
  return side_of(sides, column);
}

// Stores the rows of a block before `end`.
fn store_block(row: u32, end: u32, column: u32, z: u32, block: mat4x4f) {
  if (column >= params.n) {
    return;
  }
  var added = vec4f();
  if (BIAS) {
    added = load_bias(column);
  }
  let first = row + z * params.m;
  if (row < end) {
    store(first, column, block[0] + added);
  }
  if (row + 1 < end) {
    store(first + 1, column, block[1] + added);
  }
  if (row + 2 < end) {
    store(first + 2, column, block[2] + added);
  }
  if (row + 3 < end) {
    store(first + 3, column, block[3] + added);
  }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let lane = vec2u(index % LANES_ACROSS, index / LANES_ACROSS);
  let row = (place_of(workgroup.y, workgroups.y) * (LANES / LANES_ACROSS) + lane.y) * 4 * ROWS;
  let column = (workgroup.x * LANES_ACROSS * COLUMNS + lane.x) * 4;
  let end = slots_from(params.first_row, params.m);
  if (row >= end) {
    return;
  }
  let next = 4 * LANES_ACROSS;
  let first = workgroup.z * params.k_slice;
  let last = min(params.k, first + params.k_slice);

  // Block c<i><j> is at row 4·i, column j·next. Those beyond ROWS and COLUMNS are never used and vanish
  // when the constants are known.
  var c00 = mat4x4f();
  var c01 = mat4x4f();
  var c02 = mat4x4f();
  var c03 = mat4x4f();
  var c10 = mat4x4f();
  var c11 = mat4x4f();
  var c12 = mat4x4f();
  var c13 = mat4x4f();
  var c20 = mat4x4f();
  var c21 = mat4x4f();
  var c22 = mat4x4f();
  var c23 = mat4x4f();
  var c30 = mat4x4f();
  var c31 = mat4x4f();
  var c32 = mat4x4f();
  var c33 = mat4x4f();

  for (var k = first; k < last; k += 4) {
    let p0 = load_a(row, k);
    let p1 = load_a(row + 4, k);
    var p2 = mat4x4f();
    var p3 = mat4x4f();
    if (ROWS > 2) {
      p2 = load_a(row + 8, k);
      p3 = load_a(row + 12, k);
    }
    let q0 = load_b(k, column);
    c00 += q0 * p0;
    c10 += q0 * p1;
    if (ROWS > 2) {
      c20 += q0 * p2;
      c30 += q0 * p3;
    }
    if (COLUMNS > 1) {
      let q1 = load_b(k, column + next);
      c01 += q1 * p0;
      c11 += q1 * p1;
      if (ROWS > 2) {
        c21 += q1 * p2;
        c31 += q1 * p3;
      }
    }
    if (COLUMNS > 2) {
      let q2 = load_b(k, column + 2 * next);
      c02 += q2 * p0;
      c12 += q2 * p1;
      if (ROWS > 2) {
        c22 += q2 * p2;
        c32 += q2 * p3;
      }
      let q3 = load_b(k, column + 3 * next);
      c03 += q3 * p0;
      c13 += q3 * p1;
      if (ROWS > 2) {
        c23 += q3 * p2;
        c33 += q3 * p3;
      }
    }
  }

  let z = workgroup.z;
  store_block(row, end, column, z, c00);
  store_block(row + 4, end, column, z, c10);
  if (ROWS > 2) {
    store_block(row + 8, end, column, z, c20);
    store_block(row + 12, end, column, z, c30);
  }
  if (COLUMNS > 1) {
    store_block(row, end, column + next, z, c01);
    store_block(row + 4, end, column + next, z, c11);
    if (ROWS > 2) {
      store_block(row + 8, end, column + next, z, c21);
      store_block(row + 12, end, column + next, z, c31);
    }
  }
  if (COLUMNS > 2) {
    store_block(row, end, column + 2 * next, z, c02);
    store_block(row + 4, end, column + 2 * next, z, c12);
    store_block(row, end, column + 3 * next, z, c03);
    store_block(row + 4, end, column + 3 * next, z, c13);
    if (ROWS > 2) {
      store_block(row + 8, end, column + 2 * next, z, c22);
      store_block(row + 12, end, column + 2 * next, z, c32);
      store_block(row + 8, end, column + 3 * next, z, c23);
      store_block(row + 12, end, column + 3 * next, z, c33);
    }
  }
}
