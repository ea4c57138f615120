// Copies the keys and values of some positions of each row into its cache. Positions past the end of the
// cache are left out. Prepend all_rows.wgsl or active_rows.wgsl, spans.wgsl and elements_*.wgsl.

// Invocations of a workgroup, and chunks of each.
override LANES: u32;
override PER_LANE: u32;
// Chunks of all heads of a token.
override CHUNKS: u32;
// Begin `step` positions after the end of each row's span instead of at position 0.
override DECODE: bool;

struct Params {
  // Rows that are bound.
  rows: u32,
  // The first one's slot, or its index in `spans`.
  first_row: u32,
  // Positions of a row, T.
  positions: u32,
  // Positions of a row of the cache, S.
  cached: u32,
  // Where one token is decoded: its position, counted from the end of its row's span.
  step: u32,
}
// New keys, [B, T, KV, headSize].
@group(0) @binding(0) var<storage, read> key: array<Elements>;
// New values, [B, T, KV, headSize].
@group(0) @binding(1) var<storage, read> value: array<Elements>;
// Where each row's prompt lies among its positions, [B]; not read where prompts are copied.
@group(0) @binding(2) var<storage, read> spans: array<Span>;
// Keys so far, [B, S, KV, headSize].
@group(0) @binding(3) var<storage, read_write> key_cache: array<Elements>;
// Values so far, [B, S, KV, headSize].
@group(0) @binding(4) var<storage, read_write> value_cache: array<Elements>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * PER_LANE * LANES + lane;
  let tokens = slots_from(params.first_row, params.rows) * params.positions;
  let end = min(first + PER_LANE * LANES, tokens * CHUNKS);
  for (var i = first; i < end; i += LANES) {
    let token = i / CHUNKS;
    let row = row_of(params.first_row + token / params.positions);
    var position = token % params.positions;
    if (DECODE) {
      position += spans[row].end + params.step;
    }
    if (position < params.cached) {
      let to = ((row - params.first_row) * params.cached + position) * CHUNKS + i % CHUNKS;
      key_cache[to] = key[i];
      value_cache[to] = value[i];
    }
  }
}
