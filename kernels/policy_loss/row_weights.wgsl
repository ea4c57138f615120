// The weight of a token's loss in the aggregated loss, which is one for all tokens of a response, from the
// lengths of the responses. The first entry point gives a workgroup to each response, the second has one.

// Invocations of a workgroup.
override LANES: u32;

struct Params {
  // Responses.
  rows: u32,
  // Tokens of a response, padding included.
  columns: u32,
  // 0: token-mean, 1: seq-mean-token-sum, 2: seq-mean-token-mean, 3: seq-mean-token-sum-norm.
  aggregation: u32,
}
// Not 0 for response tokens, [rows, columns].
@group(0) @binding(0) var<storage, read> mask: array<u32>;
// Response tokens of each response, [rows].
@group(0) @binding(1) var<storage, read_write> lengths: array<u32>;
// Weight of a token's loss in each response, [rows].
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
// Number of response tokens, [1].
@group(0) @binding(3) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> lane_tokens: array<u32, LANES>;
var<workgroup> lane_rows: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn row_lengths(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = workgroup.y * workgroups.x + workgroup.x;
  var n = 0u;
  if (row < params.rows) {
    for (var column = lane; column < params.columns; column += LANES) {
      n += u32(mask[row * params.columns + column] != 0);
    }
  }
  lane_tokens[lane] = n;
  workgroupBarrier();
  if (lane == 0 && row < params.rows) {
    add_lanes();
    lengths[row] = lane_tokens[0];
  }
}

@compute @workgroup_size(LANES)
fn row_weights(@builtin(local_invocation_index) lane: u32) {
  var n = 0u;
  var nonempty = 0u;
  for (var row = lane; row < params.rows; row += LANES) {
    n += lengths[row];
    nonempty += u32(lengths[row] > 0);
  }
  lane_tokens[lane] = n;
  lane_rows[lane] = nonempty;
  workgroupBarrier();
  if (lane == 0) {
    add_lanes();
    tokens[0] = lane_tokens[0];
  }
  workgroupBarrier();
  let all_tokens = f32(max(1, lane_tokens[0]));
  let all_rows = f32(max(1, lane_rows[0]));
  for (var row = lane; row < params.rows; row += LANES) {
    let length = f32(max(1, lengths[row]));
    switch params.aggregation {
      case 0: { weights[row] = 1.0 / all_tokens; }
      case 1: { weights[row] = 1.0 / all_rows; }
      case 2: { weights[row] = 1.0 / (all_rows * length); }
      default: { weights[row] = 1.0 / (all_rows * f32(params.columns)); }
    }
  }
}

// Adds all lanes into the first.
fn add_lanes() {
  for (var other = 1u; other < LANES; other++) {
    lane_tokens[0] += lane_tokens[other];
    lane_rows[0] += lane_rows[other];
  }
}
