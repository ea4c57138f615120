// Gradients of attention. With the probabilities p = exp(score - ln Σ exp(score)) made again tile by tile,
// and g the gradient of the result:
//
//   d v = Σ over queries of p · g        d score = p · (g · v - mean of g · v under p)
//   d q = Σ over keys of d score · k · scale         d k = Σ over queries of d score · q · scale
//
// `queries` gives each invocation TILES times four queries and goes through the keys, `keys` gives it
// KEY_TILES times four keys and goes through the queries of all heads that they serve; so every sum has one
// owner and one order. Prepend elementary.wgsl, spans.wgsl, query_means.wgsl, attention_tile.wgsl, attention_memory_*.wgsl and
// attention_backward_*.wgsl and attention_gradients.wgsl.

@compute @workgroup_size(LANES)
fn queries(
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
  // Positions count from the first token of the sequence.
  let tokens = spans[work.row];
  let length = tokens.end - tokens.first;
  if (4 * TILES * work.run / HEADS >= length) {
    return;
  }
  var positions: array<vec4u, TILES>;
  var vectors: array<vec4u, TILES>;
  var own_means: array<array<QueryMeans, TILE>, TILES>;
  var q: array<array<mat4x4f, CHUNKS>, TILES>;
  var g: array<array<mat4x4f, CHUNKS>, TILES>;
  var sums: array<array<mat4x4f, CHUNKS>, TILES>;
  for (var t = 0u; t < TILES; t++) {
    let each = 4 * (work.run * TILES + t) + vec4u(0, 1, 2, 3);
    positions[t] = each / HEADS;
    vectors[t] = query_vectors(each, tokens.first, length, work.head);
    own_means[t] = means_of(vectors[t]);
    for (var c = 0u; c < CHUNKS; c++) {
      q[t][c] = q_columns(vectors[t], c);
      g[t][c] = g_columns(vectors[t], c);
    }
  }

  let lowest = positions[0].x;
  let end = min(length, positions[TILES - 1].w + 1);
  let key_head = key_head_of(work);
  var key = lowest - min(lowest, params.window - 1);
  loop {
    let keys = key + vec4u(0, 1, 2, 3);
    let k_vectors = key_vectors(keys, tokens.first, end, key_head);
    var scores = array<mat4x4f, TILES>();
    var gradients = array<mat4x4f, TILES>();
    var k_own: array<mat4x4f, CHUNKS>;
    for (var c = 0u; c < CHUNKS; c++) {
      k_own[c] = k_columns(k_vectors, c);
      let v_rows = transpose(v_columns(k_vectors, c));
      for (var t = 0u; t < TILES; t++) {
        scores[t] += transpose(k_own[c]) * q[t][c];
        gradients[t] += v_rows * g[t][c];
      }
    }
    for (var t = 0u; t < TILES; t++) {
      let seen = seen_by(vec4<bool>(true), positions[t], keys);
      let tile = tile_of(scores[t], gradients[t], own_means[t], seen);
      for (var c = 0u; c < CHUNKS; c++) {
        sums[t][c] += k_own[c] * tile.gradient;
      }
    }
    key += 4;
    if (key >= end) {
      break;
    }
  }
  for (var t = 0u; t < TILES; t++) {
    for (var i = 0u; i < TILE; i++) {
      if (positions[t][i] < length) {
        for (var c = 0u; c < CHUNKS; c++) {
          store_gradient_q(vectors[t][i], c, sums[t][c][i]);
        }
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn keys(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  let runs = (params.longest + 4 * KEY_TILES - 1) / (4 * KEY_TILES);
  let work = work_of(at, KEY_HEADS, runs);
  if (work.row >= params.rows || work.run >= runs) {
    return;
  }
  let tokens = spans[work.row];
  let length = tokens.end - tokens.first;
  let first = 4 * KEY_TILES * work.run;
  if (first >= length) {
    return;
  }
  var keys: array<vec4u, KEY_TILES>;
  var vectors: array<vec4u, KEY_TILES>;
  var k: array<array<mat4x4f, CHUNKS>, KEY_TILES>;
  var v: array<array<mat4x4f, CHUNKS>, KEY_TILES>;
  var k_sums: array<array<mat4x4f, CHUNKS>, KEY_TILES>;
  var v_sums: array<array<mat4x4f, CHUNKS>, KEY_TILES>;
  for (var t = 0u; t < KEY_TILES; t++) {
    keys[t] = first + 4 * t + vec4u(0, 1, 2, 3);
    vectors[t] = key_vectors(keys[t], tokens.first, length, work.head);
    for (var c = 0u; c < CHUNKS; c++) {
      k[t][c] = k_columns(vectors[t], c);
      v[t][c] = v_columns(vectors[t], c);
    }
  }

  // The queries that see them, of all heads in turn at each position.
  let group = QUERY_HEADS / KEY_HEADS;
  let last = keys[KEY_TILES - 1].w;
  let end = min(length, last + min(params.window, length));
  var query = first * group;
  loop {
    let each = query + vec4u(0, 1, 2, 3);
    let positions = each / group;
    let q_vectors =
      (tokens.first + min(positions, vec4u(end - 1))) * QUERY_HEADS + work.head * group + each % group;
    var scores = array<mat4x4f, KEY_TILES>();
    var gradients = array<mat4x4f, KEY_TILES>();
    var q_own: array<mat4x4f, CHUNKS>;
    var g_own: array<mat4x4f, CHUNKS>;
    for (var c = 0u; c < CHUNKS; c++) {
      q_own[c] = q_columns(q_vectors, c);
      g_own[c] = g_columns(q_vectors, c);
      for (var t = 0u; t < KEY_TILES; t++) {
        scores[t] += transpose(k[t][c]) * q_own[c];
        gradients[t] += transpose(v[t][c]) * g_own[c];
      }
    }
    let query_means = means_of(q_vectors);
    // Queries past the end are read as those of the last position, but see nothing.
    let is_query = positions < vec4u(end);
    for (var t = 0u; t < KEY_TILES; t++) {
      let seen = seen_by(is_query, positions, keys[t]);
      let tile = tile_of(scores[t], gradients[t], query_means, seen);
      for (var c = 0u; c < CHUNKS; c++) {
        k_sums[t][c] += q_own[c] * transpose(tile.gradient);
        v_sums[t][c] += g_own[c] * transpose(tile.p);
      }
    }
    query += 4;
    if (query >= end * group) {
      break;
    }
  }
  for (var t = 0u; t < KEY_TILES; t++) {
    for (var i = 0u; i < TILE; i++) {
      if (keys[t][i] < length) {
        for (var c = 0u; c < CHUNKS; c++) {
          store_gradients_k_v(vectors[t][i], c, k_sums[t][c][i], v_sums[t][c][i]);
        }
      }
    }
  }
}
