// The weight of a token's loss in the aggregated loss, which is one for all tokens of a response, and the first
// response's for all responses but in seq-mean-token-mean, from the lengths of the responses. The first entry
// point gives a workgroup to each response, the second has one.

// Invocations of a workgroup.
override LANES: u32;

struct Params {
  // Responses, of which some tokens are in this part, or all.
  rows: u32,
  // The first of them.
  first_row: u32,
  // Tokens of this part.
  size: u32,
  // Those of the parts before this one.
  first: u32,
  // Tokens of a response, padding included.
  columns: u32,
  // 0: token-mean, 1: seq-mean-token-sum, 2: seq-mean-token-mean, 3: seq-mean-token-sum-norm.
  aggregation: u32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<vec4u>;
// Response tokens of each response of all parts; added to.
@group(0) @binding(1) var<storage, read_write> lengths: array<u32>;
// Weight of a token's loss in each response, [rows]; only the first where they do not differ.
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
// Number of response tokens, [1].
@group(0) @binding(3) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

// Response tokens, and responses that have any.
var<workgroup> lane_counts: array<vec2u, LANES>;

@compute @workgroup_size(LANES)
fn row_lengths(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = workgroup.y * workgroups.x + workgroup.x;
  // Responses begin and end within vectors, and within parts.
  let start = (params.first_row + row) * params.columns;
  let first = max(start, params.first) - params.first;
  let end = min(start + params.columns, params.first + params.size) - params.first;
  let past = select(first, end, row < params.rows);
  var n = vec4u();
  for (var i = first / 4 + lane; i < (past + 3) / 4; i += LANES) {
    let at = vec4u(4 * i) + vec4u(0, 1, 2, 3);
    let is_token = (at >= vec4u(first)) & (at < vec4u(past)) & (mask[i] != vec4u());
    n += select(vec4u(), vec4u(1), is_token);
  }
  let all = sum_of_lanes(lane, vec2u(n.x + n.y + n.z + n.w, 0));
  if (lane == 0 && row < params.rows) {
    lengths[params.first_row + row] += all.x;
  }
}

@compute @workgroup_size(LANES)
fn row_weights(@builtin(local_invocation_index) lane: u32) {
  var own = vec2u();
  for (var row = lane; row < params.rows; row += LANES) {
    let length = lengths[row];
    own += vec2u(length, u32(length > 0));
  }
  let all = sum_of_lanes(lane, own);
  if (lane == 0) {
    tokens[0] = all.x;
    lane_counts[0] = all;
  }
  workgroupBarrier();
  let all_tokens = f32(max(1, lane_counts[0].x));
  let all_rows = f32(max(1, lane_counts[0].y));
  if (params.aggregation == 2) {
    for (var row = lane; row < params.rows; row += LANES) {
      let length = f32(max(1, lengths[row]));
      weights[row] = 1.0 / (all_rows * length);
    }
  } else if (lane == 0) {
    switch params.aggregation {
      case 0: { weights[0] = 1.0 / all_tokens; }
      case 1: { weights[0] = 1.0 / all_rows; }
      default: { weights[0] = 1.0 / (all_rows * f32(params.columns)); }
    }
  }
}

// The sum over the lanes, known to the first of them.
fn sum_of_lanes(lane: u32, own: vec2u) -> vec2u {
  lane_counts[lane] = own;
  workgroupBarrier();
  var sum = vec2u();
  if (lane == 0) {
    for (var other = 0u; other < LANES; other++) {
      sum += lane_counts[other];
    }
  }
  return sum;
}
