// Gradients of attention. With the probabilities p = exp(score - ln Σ exp(score)) made again tile by tile,
// and g the gradient of the result:
//
//   d v = Σ over queries of p · g        d score = p · (g · v - mean of g · v under p)
//   d q = Σ over keys of d score · k · scale         d k = Σ over queries of d score · q · scale
//
// `queries` gives each invocation four queries and goes through the keys, `keys` gives it four keys and
// goes through the queries of all heads that they serve; so every sum has one owner and one order. Prepend
// elementary.wgsl, spans.wgsl, query_means.wgsl, attention_tile.wgsl, attention_memory_*.wgsl and
// attention_backward_*.wgsl.

// Of each query, ln Σ exp(score) and the mean of g · v, [N, H].
@group(0) @binding(5) var<storage, read> means: array<QueryMeans>;
@group(0) @binding(9) var<uniform> params: Params;

fn g_columns(vectors: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(
    load_gradient(vectors.x, chunk),
    load_gradient(vectors.y, chunk),
    load_gradient(vectors.z, chunk),
    load_gradient(vectors.w, chunk),
  );
}

// Probabilities of a tile, and gradients of its scores.
struct Tile {
  p: mat4x4f,
  gradient: mat4x4f,
}

// From its scores and the gradients of its probabilities; `seen` tells of each query which keys it sees.
fn tile_of(
  scores: mat4x4f,
  gradients: mat4x4f,
  vectors: vec4u,
  seen: array<vec4<bool>, TILE>,
) -> Tile {
  var tile: Tile;
  for (var i = 0u; i < TILE; i++) {
    let mean = means[vectors[i]];
    let p = exp_up_to_88(min(scores[i] * params.scale - mean.log_sum_exp, vec4f(1)));
    tile.p[i] = select(vec4f(), p, seen[i]);
    tile.gradient[i] = tile.p[i] * (gradients[i] - mean.gradient) * params.scale;
  }
  return tile;
}

@compute @workgroup_size(LANES)
fn queries(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  let runs = (params.longest * HEADS + 3) / 4;
  let work = work_of(at, QUERY_HEADS / HEADS, runs);
  if (work.row >= params.rows || work.run >= runs) {
    return;
  }
  // Positions count from the first token of the sequence.
  let tokens = spans[work.row];
  let length = tokens.end - tokens.first;
  let each = 4 * work.run + vec4u(0, 1, 2, 3);
  let positions = each / HEADS;
  let vectors =
    (tokens.first + min(positions, vec4u(length - 1))) * QUERY_HEADS +
    work.head * HEADS + each % HEADS;
  var q_part: array<mat4x4f, PART>;
  var g_part: array<mat4x4f, PART>;
  var sums: array<mat4x4f, PART>;
  for (var c = 0u; c < PART; c++) {
    q_part[c] = q_columns(vectors, c);
    g_part[c] = g_columns(vectors, c);
  }

  let first = positions.x - min(positions.x, params.window - 1);
  let end = min(length, positions.w + 1);
  let key_head = work.head * HEADS / (QUERY_HEADS / KEY_HEADS);
  for (var key = first; key < end; key += 4) {
    let keys = key + vec4u(0, 1, 2, 3);
    // Keys past the end are not seen; the last one is read in their place.
    let k_vectors =
      (tokens.first + min(keys, vec4u(end - 1))) * KEY_HEADS + key_head;
    var scores = mat4x4f();
    var gradients = mat4x4f();
    var own = array<mat4x4f, PART>();
    for (var part = 0u; part < select(params.parts, 1, PARTS == 1); part++) {
      for (var c = 0u; c < PART; c++) {
        let chunk = part * PART + c;
        if (PARTS > 1) {
          q_part[c] = q_columns(vectors, chunk);
          g_part[c] = g_columns(vectors, chunk);
        }
        let columns = k_columns(k_vectors, chunk);
        scores += transpose(columns) * q_part[c];
        gradients += transpose(v_columns(k_vectors, chunk)) * g_part[c];
        if (part == work.part) {
          own[c] = columns;
        }
      }
    }
    let seen = array(
      sees(positions.x, keys),
      sees(positions.y, keys),
      sees(positions.z, keys),
      sees(positions.w, keys),
    );
    let tile = tile_of(scores, gradients, vectors, seen);
    for (var c = 0u; c < PART; c++) {
      sums[c] += own[c] * tile.gradient;
    }
  }
  for (var i = 0u; i < TILE; i++) {
    if (positions[i] < length) {
      for (var c = 0u; c < PART; c++) {
        store_gradient_q(vectors[i], work.part * PART + c, sums[c][i]);
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
  let runs = (params.longest + 3) / 4;
  let work = work_of(at, KEY_HEADS, runs);
  if (work.row >= params.rows || work.run >= runs) {
    return;
  }
  let tokens = spans[work.row];
  let length = tokens.end - tokens.first;
  let keys = 4 * work.run + vec4u(0, 1, 2, 3);
  let vectors =
    (tokens.first + min(keys, vec4u(length - 1))) * KEY_HEADS + work.head;
  let is_key = keys < vec4u(length);
  var k_part: array<mat4x4f, PART>;
  var v_part: array<mat4x4f, PART>;
  var k_sums: array<mat4x4f, PART>;
  var v_sums: array<mat4x4f, PART>;
  for (var c = 0u; c < PART; c++) {
    k_part[c] = k_columns(vectors, c);
    v_part[c] = v_columns(vectors, c);
  }

  let end = min(length, keys.w + min(params.window, length));
  let group = QUERY_HEADS / KEY_HEADS;
  for (var head = work.head * group; head < (work.head + 1) * group; head++) {
    for (var query = keys.x; query < end; query += 4) {
      let positions = query + vec4u(0, 1, 2, 3);
      let q_vectors =
        (tokens.first + min(positions, vec4u(end - 1))) * QUERY_HEADS + head;
      var scores = mat4x4f();
      var gradients = mat4x4f();
      var own_q = array<mat4x4f, PART>();
      var own_g = array<mat4x4f, PART>();
      for (var part = 0u; part < select(params.parts, 1, PARTS == 1); part++) {
        for (var c = 0u; c < PART; c++) {
          let chunk = part * PART + c;
          if (PARTS > 1) {
            k_part[c] = k_columns(vectors, chunk);
            v_part[c] = v_columns(vectors, chunk);
          }
          let q_own = q_columns(q_vectors, chunk);
          let g_own = g_columns(q_vectors, chunk);
          scores += transpose(k_part[c]) * q_own;
          gradients += transpose(v_part[c]) * g_own;
          if (part == work.part) {
            own_q[c] = q_own;
            own_g[c] = g_own;
          }
        }
      }
      // Queries past the end are read as the last one, but see nothing.
      let is_query = positions < vec4u(end);
      let seen = array(
        sees(positions.x, keys) & is_key & vec4<bool>(is_query.x),
        sees(positions.y, keys) & is_key & vec4<bool>(is_query.y),
        sees(positions.z, keys) & is_key & vec4<bool>(is_query.z),
        sees(positions.w, keys) & is_key & vec4<bool>(is_query.w),
      );
      let tile = tile_of(scores, gradients, q_vectors, seen);
      for (var c = 0u; c < PART; c++) {
        k_sums[c] += own_q[c] * transpose(tile.gradient);
        v_sums[c] += own_g[c] * transpose(tile.p);
      }
    }
  }
  for (var i = 0u; i < TILE; i++) {
    if (keys[i] < length) {
      for (var c = 0u; c < PART; c++) {
        store_gradients_k_v(vectors[i], work.part * PART + c, k_sums[c][i], v_sums[c][i]);
      }
    }
  }
}
