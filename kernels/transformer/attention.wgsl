// Causal attention with grouped keys in one pass over the keys: with a running maximum m of the scores,
// their sum l of exp(score - m) and their weighted sum of values are rescaled whenever m grows, so that
// no matrix of scores is ever held (Dao et al. 2022).
//
// The queries of an invocation, TILES times four, share their keys: HEADS heads of a group at as many
// positions as it takes. Prepend elementary.wgsl, spans.wgsl, attention_tile.wgsl, attention_memory_*.wgsl,
// attention_out_*.wgsl and TILES.

// One query for each row, which comes `step` positions after the end of its span.
override DECODE: bool;

// Decoding, not 0 for rows that have ended, [B]; not read in training.
@group(0) @binding(4) var<storage, read> done: array<u32>;
// ln Σ exp(score) of each query, for the backward, [N, H].
@group(0) @binding(6) var<storage, read_write> log_sum_exp: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

fn largest(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn sum(x: vec4f) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

fn scale_columns(x: mat4x4f, factors: vec4f) -> mat4x4f {
  return mat4x4f(x[0] * factors.x, x[1] * factors.y, x[2] * factors.z, x[3] * factors.w);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  let runs = (params.longest * HEADS + 4 * TILES - 1) / (4 * TILES);
  let work = work_of(at, QUERY_HEADS / HEADS, runs);
  if (work.row >= params.rows || work.run >= runs) {
    return;
  }
  // Its keys and queries begin at these tokens. Positions count from there: those of keys that are seen
  // form a span, those of queries are their indices and an offset.
  let row = params.first_row + work.row;
  let tokens = spans[row];
  var first_key = tokens.first;
  var first_query = tokens.first;
  var queries = tokens.end - tokens.first;
  var span = Span(0, queries);
  var offset = 0u;
  if (DECODE) {
    first_key = work.row * params.capacity;
    first_query = work.row;
    queries = 1;
    offset = tokens.end + params.step;
    span = Span(tokens.first, select(min(offset + 1, params.capacity), 0, done[row] != 0));
  }

  var indices: array<vec4u, TILES>;
  var vectors: array<vec4u, TILES>;
  var q_parts: array<array<mat4x4f, PART>, TILES>;
  var values: array<array<mat4x4f, PART>, TILES>;
  var m: array<vec4f, TILES>;
  var l: array<vec4f, TILES>;
  for (var t = 0u; t < TILES; t++) {
    let each = 4 * (work.run * TILES + t) + vec4u(0, 1, 2, 3);
    indices[t] = each / HEADS;
    vectors[t] =
      (first_query + min(indices[t], vec4u(queries - 1))) * QUERY_HEADS +
      work.head * HEADS + each % HEADS;
    for (var c = 0u; c < PART; c++) {
      q_parts[t][c] = q_columns(vectors[t], c);
    }
    m[t] = vec4f(LOWEST);
  }
  let lowest = offset + indices[0].x;
  let first = max(span.first, lowest - min(lowest, params.window - 1));
  let end = min(span.end, offset + indices[TILES - 1].w + 1);
  let key_head = work.head * HEADS / (QUERY_HEADS / KEY_HEADS);
  for (var key = first; key < end; key += 4) {
    let keys = key + vec4u(0, 1, 2, 3);
    // Keys past the end are not seen; the last one is read in their place.
    let k_vectors =
      (first_key + min(keys, vec4u(end - 1))) * KEY_HEADS + key_head;
    var scores = array<mat4x4f, TILES>();
    for (var part = 0u; part < select(params.parts, 1, PARTS == 1); part++) {
      for (var c = 0u; c < PART; c++) {
        let chunk = part * PART + c;
        let columns = k_columns(k_vectors, chunk);
        for (var t = 0u; t < TILES; t++) {
          if (PARTS > 1) {
            q_parts[t][c] = q_columns(vectors[t], chunk);
          }
          scores[t] += transpose(columns) * q_parts[t][c];
        }
      }
    }
    var rescale: array<vec4f, TILES>;
    for (var t = 0u; t < TILES; t++) {
      let positions = offset + indices[t];
      let s = scores[t] * params.scale;
      let s0 = select(vec4f(LOWEST), s[0], sees(positions.x, keys));
      let s1 = select(vec4f(LOWEST), s[1], sees(positions.y, keys));
      let s2 = select(vec4f(LOWEST), s[2], sees(positions.z, keys));
      let s3 = select(vec4f(LOWEST), s[3], sees(positions.w, keys));
      let top = max(m[t], vec4f(largest(s0), largest(s1), largest(s2), largest(s3)));
      scores[t] = mat4x4f(
        select(vec4f(), exp_up_to_88(s0 - top.x), s0 > vec4f(LOWEST)),
        select(vec4f(), exp_up_to_88(s1 - top.y), s1 > vec4f(LOWEST)),
        select(vec4f(), exp_up_to_88(s2 - top.z), s2 > vec4f(LOWEST)),
        select(vec4f(), exp_up_to_88(s3 - top.w), s3 > vec4f(LOWEST)),
      );
      rescale[t] = exp_up_to_88(m[t] - top);
      m[t] = top;
      let p = scores[t];
      l[t] = l[t] * rescale[t] + vec4f(sum(p[0]), sum(p[1]), sum(p[2]), sum(p[3]));
    }
    for (var c = 0u; c < PART; c++) {
      let columns = v_columns(k_vectors, work.part * PART + c);
      for (var t = 0u; t < TILES; t++) {
        values[t][c] = scale_columns(values[t][c], rescale[t]) + columns * scores[t];
      }
    }
  }

  // Decoding, a row may have other rows before it in its cache's binding.
  let first_vector = select(0, params.first_row * QUERY_HEADS, DECODE);
  for (var t = 0u; t < TILES; t++) {
    // A row that has ended gets zeros.
    let positions = offset + indices[t];
    let is_valid = (positions >= vec4u(span.first)) & (positions < vec4u(span.end));
    let inverse = select(vec4f(), 1.0 / l[t], is_valid);
    for (var i = 0u; i < TILE; i++) {
      if (indices[t][i] < queries) {
        for (var c = 0u; c < PART; c++) {
          store_out(vectors[t][i], work.part * PART + c, values[t][c][i] * inverse[i]);
        }
        if (work.part == 0) {
          log_sum_exp[first_vector + vectors[t][i]] =
            select(0.0, m[t][i] + log_of_positive(l[t][i]), is_valid[i]);
        }
      }
    }
  }
}
