// Causal attention with grouped keys in one pass over the keys: with a running maximum m of the scores,
// their sum l of exp(score - m) and their weighted sum of values are rescaled whenever m grows, so that
// no matrix of scores is ever held (Dao et al. 2022).
//
// The queries of an invocation, TILES times four, share their keys: HEADS heads of a group at as many
// positions as it takes. They and what is added up for them are held in registers. Prepend elementary.wgsl,
// spans.wgsl, attention_tile.wgsl, attention_memory_*.wgsl, attention_out_*.wgsl and attention_softmax.wgsl.

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
  var q: array<array<mat4x4f, CHUNKS>, TILES>;
  var values: array<array<mat4x4f, CHUNKS>, TILES>;
  var m: array<vec4f, TILES>;
  var l: array<vec4f, TILES>;
  for (var t = 0u; t < TILES; t++) {
    let each = 4 * (work.run * TILES + t) + vec4u(0, 1, 2, 3);
    indices[t] = each / HEADS;
    vectors[t] = query_vectors(each, place.first_query, place.queries, work.head);
    for (var c = 0u; c < CHUNKS; c++) {
      q[t][c] = q_columns(vectors[t], c);
    }
    m[t] = vec4f(LOWEST);
  }
  let span = place.span;
  let lowest = place.offset + indices[0].x;
  let end = min(span.end, place.offset + indices[TILES - 1].w + 1);
  let key_head = key_head_of(work);
  var key = max(span.first, lowest - min(lowest, params.window - 1));
  loop {
    let keys = key + vec4u(0, 1, 2, 3);
    let k_vectors = key_vectors(keys, place.first_key, end, key_head);
    var scores = array<mat4x4f, TILES>();
    for (var c = 0u; c < CHUNKS; c++) {
      let rows = transpose(k_columns(k_vectors, c));
      for (var t = 0u; t < TILES; t++) {
        scores[t] += rows * q[t][c];
      }
    }
    var rescale: array<vec4f, TILES>;
    for (var t = 0u; t < TILES; t++) {
      let s = seen_scores(scores[t] * params.scale, place.offset + indices[t], keys);
      let top = max(m[t], largest_of_columns(s));
      scores[t] = exps(s, top);
      rescale[t] = exp_up_to_88(m[t] - top);
      m[t] = top;
      l[t] = l[t] * rescale[t] + sums_of_columns(scores[t]);
    }
    for (var c = 0u; c < CHUNKS; c++) {
      let columns = v_columns(k_vectors, c);
      for (var t = 0u; t < TILES; t++) {
        values[t][c] = scale_columns(values[t][c], rescale[t]) + columns * scores[t];
      }
    }
    key += 4;
    if (key >= end) {
      break;
    }
  }

  for (var t = 0u; t < TILES; t++) {
    let is_valid = are_valid(place, indices[t]);
    let inverse = 1.0 / l[t];
    for (var i = 0u; i < TILE; i++) {
      if (indices[t][i] < place.queries) {
        for (var c = 0u; c < CHUNKS; c++) {
          store_out(
            vectors[t][i],
            c,
            select(vec4f(), values[t][c][i] * inverse[i], is_valid[i]),
          );
        }
      }
    }
    store_log_sum_exp(place, indices[t], vectors[t], m[t], l[t]);
  }
}
