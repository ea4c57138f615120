// Rotary position embedding in place, Hugging Face's way: component i of a head is paired with i + d/2,
// and each pair is rotated by an angle that depends on i and the position. One invocation for one chunk
// of pairs of all heads of a token. Prepend all_rows.wgsl or active_rows.wgsl, and elements_*.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Heads of a token: of the queries, and of the keys.
override QUERY_HEADS: u32;
override KEY_HEADS: u32;
// Chunks of half a head.
override CHUNKS: u32;

struct Params {
  // Tokens that are bound.
  rows: u32,
  // The first row's slot, or its index in `positions`.
  first_row: u32,
  // Added to every position.
  step: u32,
  // Positions of the table, P.
  most: u32,
  // 1, or -1 to rotate back.
  direction: f32,
}
// The position of each token, [N].
@group(0) @binding(0) var<storage, read> positions: array<u32>;
// The cosines of each position, then its sines, [P, 2, headSize / 2].
@group(0) @binding(1) var<storage, read> table: array<Elements>;
// Queries, or their gradient, rotated in place, [rows, QUERY_HEADS, headSize].
@group(0) @binding(2) var<storage, read_write> q: array<Elements>;
// Keys, or their gradient, rotated in place, [rows, KEY_HEADS, headSize].
@group(0) @binding(3) var<storage, read_write> k: array<Elements>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * LANES + lane;
  let row = at / CHUNKS;
  let chunk = at % CHUNKS;
  if (row >= slots_from(params.first_row, params.rows)) {
    return;
  }
  let position = min(positions[row_of(params.first_row + row)] + params.step, params.most - 1);
  let cosine = table[2 * position * CHUNKS + chunk];
  let sine = params.direction * table[(2 * position + 1) * CHUNKS + chunk];
  for (var head = 0u; head < QUERY_HEADS; head++) {
    let i = (row * QUERY_HEADS + head) * 2 * CHUNKS + chunk;
    let first = q[i];
    let second = q[i + CHUNKS];
    q[i] = first * cosine - second * sine;
    q[i + CHUNKS] = second * cosine + first * sine;
  }
  for (var head = 0u; head < KEY_HEADS; head++) {
    let i = (row * KEY_HEADS + head) * 2 * CHUNKS + chunk;
    let first = k[i];
    let second = k[i + CHUNKS];
    k[i] = first * cosine - second * sine;
    k[i + CHUNKS] = second * cosine + first * sine;
  }
}
