// Covariance per prompt group over whole responses (paper, Eqs. 8 and 9): the action is the response y,
// with ln π(y) its mean token log-probability and A(y) its mean token advantage. First the sums of each
// response, part of the tokens by part, then, for each group, Cov(ln π, A) and Cov(ln π, π·A) over its
// responses. The first entry point gives a workgroup to each response, the second an invocation to each group.

// Invocations of a workgroup.
override LANES: u32;

struct Params {
  // Responses, of which some tokens are in this part, or those of this block of groups.
  rows: u32,
  // The first of them.
  first_row: u32,
  // Where it stands in what is bound.
  offset: u32,
  // Tokens of this part.
  size: u32,
  // Those of the parts before this one.
  first: u32,
  // Tokens of a response, padding included.
  columns: u32,
  // Responses of a group, one after the other.
  group: u32,
}
// Not 0 for response tokens, [size].
@group(0) @binding(0) var<storage, read> mask: array<vec4u>;
// Log-probabilities, [size], in nats.
@group(0) @binding(1) var<storage, read> log_prob: array<vec4f>;
// Advantages, [size].
@group(0) @binding(2) var<storage, read> advantages: array<vec4f>;
// Sums of the log-probabilities and advantages of each response, and its length; added to.
@group(0) @binding(3) var<storage, read_write> responses: array<vec4f>;
// Cov(ln π, A) and Cov(ln π, π·A) of each group, [⌈rows / group⌉].
@group(0) @binding(4) var<storage, read_write> covariance: array<vec2f>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> lane_sums: array<vec4f, LANES>;

fn sum_of(x: vec4f) -> f32 {
  return x.x + x.y + x.z + x.w;
}

@compute @workgroup_size(LANES)
fn response_sums(
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
  var n = vec4f();
  var log_probs = vec4f();
  var all_advantages = vec4f();
  for (var i = first / 4 + lane; i < (past + 3) / 4; i += LANES) {
    let at = vec4u(4 * i) + vec4u(0, 1, 2, 3);
    let is_token = (at >= vec4u(first)) & (at < vec4u(past)) & (mask[i] != vec4u());
    n += select(vec4f(), vec4f(1.0), is_token);
    log_probs += select(vec4f(), log_prob[i], is_token);
    all_advantages += select(vec4f(), advantages[i], is_token);
  }
  lane_sums[lane] = vec4f(sum_of(log_probs), sum_of(all_advantages), sum_of(n), 0.0);
  workgroupBarrier();
  if (lane == 0 && row < params.rows) {
    var sum = vec4f();
    for (var other = 0u; other < LANES; other++) {
      sum += lane_sums[other];
    }
    responses[params.offset + row] += sum;
  }
}

// ln π, A and π·A of a response, and 1; all 0 for one without tokens.
fn response_at(row: u32) -> vec4f {
  let sums = responses[row];
  let mean = sums.xy / max(1.0, sums.z);
  return select(vec4f(), vec4f(mean, exp(mean.x) * mean.y, 1.0), sums.z > 0.0);
}

@compute @workgroup_size(LANES)
fn group_covariance(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  let first = group * params.group;
  if (first >= params.rows) {
    return;
  }
  let last = min(params.rows, first + params.group);
  // Means first, so that the products do not cancel.
  var total = vec4f();
  for (var row = first; row < last; row++) {
    total += response_at(row);
  }
  let mean = total.xyz / max(1.0, total.w);
  var sum = vec2f();
  for (var row = first; row < last; row++) {
    let response = response_at(row);
    let d = select(vec3f(), response.xyz - mean, response.w > 0.0);
    sum += d.x * d.yz;
  }
  covariance[group] = sum / max(1.0, total.w);
}
