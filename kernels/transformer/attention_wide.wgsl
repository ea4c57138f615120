// Causal attention as in attention.wgsl, for heads that are too large to be held in registers: what an
// invocation adds up lies in the result, and queries are read again for every 4 · KEY_TILES keys. Each step
// takes 4 · TILES queries to that many keys, so that a chunk that is read serves many products, and its loops
// over chunks are not written out. Prepend elementary.wgsl, spans.wgsl, attention_tile.wgsl,
// attention_memory_*.wgsl, attention_out_*.wgsl and attention_softmax.wgsl.

fn out_columns(vectors: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(
    load_out(vectors.x, chunk),
    load_out(vectors.y, chunk),
    load_out(vectors.z, chunk),
    load_out(vectors.w, chunk),
  );
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * LANES + lane;
  let runs = (params.longest * HEADS + 4 * TILES - 1) / (4 * TILES);
  let work = work_of(at, QUERY_HEADS / HEADS, runs);
  if (work.row >= slots_from(params.first_row, params.rows) || work.run >= runs) {
    return;
  }
  let place = place_of_work(work);
  if (4 * TILES * work.run / HEADS >= place.queries) {
    return;
  }
  var indices: array<vec4u, TILES>;
  var vectors: array<vec4u, TILES>;
  var m: array<vec4f, TILES>;
  var l: array<vec4f, TILES>;
  for (var t = 0u; t < TILES; t++) {
    let each = 4 * (work.run * TILES + t) + vec4u(0, 1, 2, 3);
    indices[t] = each / HEADS;
    vectors[t] = query_vectors(each, place.first_query, place.queries, work.head);
    m[t] = vec4f(LOWEST);
  }
  let span = place.span;
  let lowest = place.offset + indices[0].x;
  let first = max(span.first, lowest - min(lowest, params.window - 1));
  let end = min(span.end, place.offset + indices[TILES - 1].w + 1);
  let key_head = key_head_of(work);
  var key = first;
  loop {
    var keys: array<vec4u, KEY_TILES>;
    var k_vectors: array<vec4u, KEY_TILES>;
    for (var u = 0u; u < KEY_TILES; u++) {
      keys[u] = key + 4 * u + vec4u(0, 1, 2, 3);
      k_vectors[u] = key_vectors(keys[u], place.first_key, end, key_head);
    }
    var scores: array<array<mat4x4f, KEY_TILES>, TILES>;
    for (var t = 0u; t < TILES; t++) {
      for (var u = 0u; u < KEY_TILES; u++) {
        scores[t][u] = mat4x4f();
      }
    }
    var chunk = 0u;
    loop {
      var rows: array<mat4x4f, KEY_TILES>;
      for (var u = 0u; u < KEY_TILES; u++) {
        rows[u] = transpose(k_columns(k_vectors[u], chunk));
      }
      for (var t = 0u; t < TILES; t++) {
        let columns = q_columns(vectors[t], chunk);
        for (var u = 0u; u < KEY_TILES; u++) {
          scores[t][u] += rows[u] * columns;
        }
      }
      chunk++;
      if (chunk >= params.chunks) {
        break;
      }
    }
    // What the sums so far are multiplied with, and what is stored of the new ones.
    let is_first = key == first;
    let is_last = key + 4 * KEY_TILES >= end;
    var rescale: array<vec4f, TILES>;
    var inverse: array<vec4f, TILES>;
    for (var t = 0u; t < TILES; t++) {
      let positions = place.offset + indices[t];
      var top = m[t];
      for (var u = 0u; u < KEY_TILES; u++) {
        scores[t][u] = seen_scores(scores[t][u] * params.scale, positions, keys[u]);
        top = max(top, largest_of_columns(scores[t][u]));
      }
      rescale[t] = exp_up_to_88(m[t] - top);
      m[t] = top;
      l[t] *= rescale[t];
      for (var u = 0u; u < KEY_TILES; u++) {
        scores[t][u] = exps(scores[t][u], top);
        l[t] += sums_of_columns(scores[t][u]);
      }
      inverse[t] = select(vec4f(1), 1.0 / l[t], is_last);
    }
    chunk = 0u;
    loop {
      var columns: array<mat4x4f, KEY_TILES>;
      for (var u = 0u; u < KEY_TILES; u++) {
        columns[u] = v_columns(k_vectors[u], chunk);
      }
      for (var t = 0u; t < TILES; t++) {
        var values = scale_columns(out_columns(vectors[t], chunk), rescale[t]);
        for (var i = 0u; i < TILE; i++) {
          values[i] = select(values[i], vec4f(), is_first);
        }
        for (var u = 0u; u < KEY_TILES; u++) {
          values += columns[u] * scores[t][u];
        }
        let is_valid = are_valid(place, indices[t]);
        for (var i = 0u; i < TILE; i++) {
          if (indices[t][i] < place.queries) {
            store_out(
              vectors[t][i],
              chunk,
              select(vec4f(), values[i] * inverse[t][i], is_valid[i]),
            );
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
  for (var t = 0u; t < TILES; t++) {
    store_log_sum_exp(place, indices[t], vectors[t], m[t], l[t]);
  }
}
