// Row n of the result is the table's row of token n, if that is among the rows that are bound; zeros for a
// token outside the vocabulary. Prepend all_rows.wgsl or active_rows.wgsl, and elements_*.wgsl.

// Invocations of a workgroup, and chunks of each.
override LANES: u32;
override PER_LANE: u32;
// Chunks of a row.
override CHUNKS: u32;

struct Params {
  // Rows of the result.
  rows: u32,
  // The first row's slot, or its index in `tokens`.
  first_row: u32,
  // Rows of the whole table, V.
  vocabulary: u32,
  // The token of the first row of the table that is bound.
  first_token: u32,
  // Rows of the table that are bound.
  tokens: u32,
}
// The tokens, [N].
@group(0) @binding(0) var<storage, read> tokens: array<u32>;
// Some rows of the table of [V, D].
@group(0) @binding(1) var<storage, read> table: array<Elements>;
// The result, [rows, D].
@group(0) @binding(2) var<storage, read_write> out: array<Elements>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * PER_LANE * LANES + lane;
  let end = min(first + PER_LANE * LANES, slots_from(params.first_row, params.rows) * CHUNKS);
  for (var i = first; i < end; i += LANES) {
    let token = tokens[row_of(params.first_row + i / CHUNKS)];
    let bound = min(token - params.first_token, params.tokens - 1);
    if (token == params.first_token + bound) {
      out[i] = table[bound * CHUNKS + i % CHUNKS];
    } else if (token >= params.vocabulary) {
      out[i] = Elements();
    }
  }
}
