// What the passes of attention forward share: where an invocation finds its queries and keys, and the steps
// of the softmax in one pass. Prepend all_rows.wgsl or active_rows.wgsl, elementary.wgsl,
// spans.wgsl and attention_tile.wgsl.

// One query for each row, which comes `step` positions after the end of its span.
override DECODE: bool;

// Decoding, not 0 for rows that have ended, [B]; not read in training.
@group(0) @binding(4) var<storage, read> done: array<u32>;
// ln Σ exp(score) of each query, for the backward, [N, H].
@group(0) @binding(6) var<storage, read_write> log_sum_exp: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

// Where the keys and queries of a row begin among the tokens. Positions count from there: those of keys that
// are seen form a span, those of queries are their indices and an offset.
struct Place {
  first_key: u32,
  first_query: u32,
  queries: u32,
  span: Span,
  offset: u32,
}

fn place_of_work(work: Work) -> Place {
  let row = row_of(params.first_row + work.row);
  let tokens = spans[row];
  let length = tokens.end - tokens.first;
  if (!DECODE) {
    return Place(tokens.first, tokens.first, length, Span(0, length), 0);
  }
  let offset = tokens.end + params.step;
  let end = select(min(offset + 1, params.capacity), 0, done[row] != 0);
  return Place((row - params.first_row) * params.capacity, work.row, 1, Span(tokens.first, end), offset);
}

fn scale_columns(x: mat4x4f, factors: vec4f) -> mat4x4f {
  return mat4x4f(x[0] * factors.x, x[1] * factors.y, x[2] * factors.z, x[3] * factors.w);
}

fn largest(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn largest_of_columns(x: mat4x4f) -> vec4f {
  return vec4f(largest(x[0]), largest(x[1]), largest(x[2]), largest(x[3]));
}

fn sum(x: vec4f) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

fn sums_of_columns(x: mat4x4f) -> vec4f {
  return vec4f(sum(x[0]), sum(x[1]), sum(x[2]), sum(x[3]));
}

// The scores of keys that are seen, and LOWEST for the others.
fn seen_scores(scores: mat4x4f, positions: vec4u, keys: vec4u) -> mat4x4f {
  return mat4x4f(
    select(vec4f(LOWEST), scores[0], sees(positions.x, keys)),
    select(vec4f(LOWEST), scores[1], sees(positions.y, keys)),
    select(vec4f(LOWEST), scores[2], sees(positions.z, keys)),
    select(vec4f(LOWEST), scores[3], sees(positions.w, keys)),
  );
}

// exp(score - top), and 0 where a key is not seen.
fn exps(scores: mat4x4f, top: vec4f) -> mat4x4f {
  return mat4x4f(
    select(vec4f(), exp_up_to_88(scores[0] - top.x), scores[0] > vec4f(LOWEST)),
    select(vec4f(), exp_up_to_88(scores[1] - top.y), scores[1] > vec4f(LOWEST)),
    select(vec4f(), exp_up_to_88(scores[2] - top.z), scores[2] > vec4f(LOWEST)),
    select(vec4f(), exp_up_to_88(scores[3] - top.w), scores[3] > vec4f(LOWEST)),
  );
}

// Whether queries have a result: a row that has ended gets zeros, and so does a query past the cache.
fn are_valid(place: Place, indices: vec4u) -> vec4<bool> {
  let positions = place.offset + indices;
  return (positions >= vec4u(place.span.first)) & (positions < vec4u(place.span.end));
}

fn store_log_sum_exp(place: Place, indices: vec4u, vectors: vec4u, m: vec4f, l: vec4f) {
  // Decoding, a row may have other rows before it in its cache's binding.
  let first = select(0, params.first_row * QUERY_HEADS, DECODE);
  let is_valid = are_valid(place, indices);
  for (var i = 0u; i < TILE; i++) {
    if (indices[i] < place.queries) {
      log_sum_exp[first + vectors[i]] = select(0.0, m[i] + log_of_positive(l[i]), is_valid[i]);
    }
  }
}
