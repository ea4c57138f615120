// What the gradients of attention share, for heads that are held in registers and for larger ones. Prepend
// elementary.wgsl, query_means.wgsl and attention_tile.wgsl, and attention_backward_*.wgsl.

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

// From its scores and the gradients of its probabilities; `means` are those of its queries, and `seen` tells
// of each which keys it sees.
fn tile_of(
  scores: mat4x4f,
  gradients: mat4x4f,
  means: array<QueryMeans, TILE>,
  seen: array<vec4<bool>, TILE>,
) -> Tile {
  var tile: Tile;
  for (var i = 0u; i < TILE; i++) {
    let p = exp_up_to_88(min(scores[i] * params.scale - means[i].log_sum_exp, vec4f(1)));
    tile.p[i] = select(vec4f(), p, seen[i]);
    tile.gradient[i] = tile.p[i] * (gradients[i] - means[i].gradient) * params.scale;
  }
  return tile;
}

// Which of four keys each of four queries sees; what is no query sees none.
fn seen_by(is_query: vec4<bool>, positions: vec4u, keys: vec4u) -> array<vec4<bool>, TILE> {
  return array(
    sees(positions.x, keys) & vec4<bool>(is_query.x),
    sees(positions.y, keys) & vec4<bool>(is_query.y),
    sees(positions.z, keys) & vec4<bool>(is_query.z),
    sees(positions.w, keys) & vec4<bool>(is_query.w),
  );
}

fn means_of(vectors: vec4u) -> array<QueryMeans, TILE> {
  return array(means[vectors.x], means[vectors.y], means[vectors.z], means[vectors.w]);
}
