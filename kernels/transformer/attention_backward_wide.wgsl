// Gradients of attention as in attention_backward.wgsl, for heads that are too large to be held in registers:
// sums lie in the results, and chunks are read where they are needed. Each step takes 4 · TILES queries to
// 4 · KEY_TILES keys. Prepend the same.

fn gradient_q_columns(vectors: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(
    load_gradient_q(vectors.x, chunk),
    load_gradient_q(vectors.y, chunk),
    load_gradient_q(vectors.z, chunk),
    load_gradient_q(vectors.w, chunk),
  );
}

fn gradient_k_columns(vectors: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(
    load_gradient_k(vectors.x, chunk),
    load_gradient_k(vectors.y, chunk),
    load_gradient_k(vectors.z, chunk),
    load_gradient_k(vectors.w, chunk),
  );
}

fn gradient_v_columns(vectors: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(
    load_gradient_v(vectors.x, chunk),
    load_gradient_v(vectors.y, chunk),
    load_gradient_v(vectors.z, chunk),
    load_gradient_v(vectors.w, chunk),
  );
}

fn or_zeros(x: mat4x4f, is_zero: bool) -> mat4x4f {
  return mat4x4f(
    select(x[0], vec4f(), is_zero),
    select(x[1], vec4f(), is_zero),
    select(x[2], vec4f(), is_zero),
    select(x[3], vec4f(), is_zero),
  );
}

// The tiles of a step, by queries and by keys.
struct Tiles {
  tiles: array<array<Tile, KEY_TILES>, TILES>,
}

fn tiles_of(
  q_vectors: array<vec4u, TILES>,
  positions: array<vec4u, TILES>,
  k_vectors: array<vec4u, KEY_TILES>,
  keys: array<vec4u, KEY_TILES>,
  end: u32,
) -> Tiles {
  var scores: array<array<mat4x4f, KEY_TILES>, TILES>;
  var gradients: array<array<mat4x4f, KEY_TILES>, TILES>;
  for (var t = 0u; t < TILES; t++) {
    for (var u = 0u; u < KEY_TILES; u++) {
      scores[t][u] = mat4x4f();
      gradients[t][u] = mat4x4f();
    }
  }
  var chunk = 0u;
  loop {
    var k_rows: array<mat4x4f, KEY_TILES>;
    var v_rows: array<mat4x4f, KEY_TILES>;
    for (var u = 0u; u < KEY_TILES; u++) {
      k_rows[u] = transpose(k_columns(k_vectors[u], chunk));
      v_rows[u] = transpose(v_columns(k_vectors[u], chunk));
    }
    for (var t = 0u; t < TILES; t++) {
      let q = q_columns(q_vectors[t], chunk);
      let g = g_columns(q_vectors[t], chunk);
      for (var u = 0u; u < KEY_TILES; u++) {
        scores[t][u] += k_rows[u] * q;
        gradients[t][u] += v_rows[u] * g;
      }
    }
    chunk++;
    if (chunk >= params.chunks) {
      break;
    }
  }
  var tiles: Tiles;
  for (var t = 0u; t < TILES; t++) {
    let query_means = means_of(q_vectors[t]);
    let is_query = positions[t] < vec4u(end);
    for (var u = 0u; u < KEY_TILES; u++) {
      let seen = seen_by(is_query, positions[t], keys[u]);
      tiles.tiles[t][u] = tile_of(scores[t][u], gradients[t][u], query_means, seen);
    }
  }
  return tiles;
}

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
  for (var t = 0u; t < TILES; t++) {
    let each = 4 * (work.run * TILES + t) + vec4u(0, 1, 2, 3);
    positions[t] = each / HEADS;
    vectors[t] = query_vectors(each, tokens.first, length, work.head);
  }
  let lowest = positions[0].x;
  let first = lowest - min(lowest, params.window - 1);
  let end = min(length, positions[TILES - 1].w + 1);
  let key_head = key_head_of(work);
  var key = first;
  loop {
    var keys: array<vec4u, KEY_TILES>;
    var k_vectors: array<vec4u, KEY_TILES>;
    for (var u = 0u; u < KEY_TILES; u++) {
      keys[u] = key + 4 * u + vec4u(0, 1, 2, 3);
      k_vectors[u] = key_vectors(keys[u], tokens.first, end, key_head);
    }
    let step = tiles_of(vectors, positions, k_vectors, keys, length);
    let is_first = key == first;
    var chunk = 0u;
    loop {
      var k: array<mat4x4f, KEY_TILES>;
      for (var u = 0u; u < KEY_TILES; u++) {
        k[u] = k_columns(k_vectors[u], chunk);
      }
      for (var t = 0u; t < TILES; t++) {
        var sums = or_zeros(gradient_q_columns(vectors[t], chunk), is_first);
        for (var u = 0u; u < KEY_TILES; u++) {
          sums += k[u] * step.tiles[t][u].gradient;
        }
        for (var i = 0u; i < TILE; i++) {
          if (positions[t][i] < length) {
            store_gradient_q(vectors[t][i], chunk, sums[i]);
          }
        }
      }
      chunk++;
      if (chunk >= params.chunks) {
        break;
      }
    }
    key += 4 * KEY_TILES;
    if (key >= end) {
      break;
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
  for (var u = 0u; u < KEY_TILES; u++) {
    keys[u] = first + 4 * u + vec4u(0, 1, 2, 3);
    vectors[u] = key_vectors(keys[u], tokens.first, length, work.head);
  }
  // The queries that see them, of all heads in turn at each position.
  let group = QUERY_HEADS / KEY_HEADS;
  let last = keys[KEY_TILES - 1].w;
  let end = min(length, last + min(params.window, length));
  var query = first * group;
  loop {
    var positions: array<vec4u, TILES>;
    var q_vectors: array<vec4u, TILES>;
    for (var t = 0u; t < TILES; t++) {
      let each = query + 4 * t + vec4u(0, 1, 2, 3);
      positions[t] = each / group;
      // Queries past the end are read as those of the last position, but see nothing.
      q_vectors[t] = (tokens.first + min(positions[t], vec4u(end - 1))) * QUERY_HEADS +
        work.head * group + each % group;
    }
    let step = tiles_of(q_vectors, positions, vectors, keys, end);
    let is_first = query == first * group;
    var chunk = 0u;
    loop {
      var q: array<mat4x4f, TILES>;
      var g: array<mat4x4f, TILES>;
      for (var t = 0u; t < TILES; t++) {
        q[t] = q_columns(q_vectors[t], chunk);
        g[t] = g_columns(q_vectors[t], chunk);
      }
      for (var u = 0u; u < KEY_TILES; u++) {
        var k_sums = or_zeros(gradient_k_columns(vectors[u], chunk), is_first);
        var v_sums = or_zeros(gradient_v_columns(vectors[u], chunk), is_first);
        for (var t = 0u; t < TILES; t++) {
          k_sums += q[t] * transpose(step.tiles[t][u].gradient);
          v_sums += g[t] * transpose(step.tiles[t][u].p);
        }
        for (var i = 0u; i < TILE; i++) {
          if (keys[u][i] < length) {
            store_gradients_k_v(vectors[u][i], chunk, k_sums[i], v_sums[i]);
          }
        }
      }
      chunk++;
      if (chunk >= params.chunks) {
        break;
      }
    }
    query += 4 * TILES;
    if (query >= end * group) {
      break;
    }
  }
}
