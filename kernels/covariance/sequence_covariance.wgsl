// Covariance per prompt group over whole responses (paper, Eqs. 8 and 9): the action is the response y,
// with ln π(y) its mean token log-probability and A(y) its mean token advantage. First the means of each
// response, then, for each group, Cov(ln π, A) and Cov(ln π, π·A) over its responses.

// Invocations of a workgroup.
override LANES: u32;

struct Params {
  // Responses.
  rows: u32,
  // Tokens of a response, padding included.
  columns: u32,
  // Responses of a group, one after the other.
  group: u32,
}
// Not 0 for response tokens, [rows, columns].
@group(0) @binding(0) var<storage, read> mask: array<u32>;
// Log-probabilities, [rows, columns], in nats.
@group(0) @binding(1) var<storage, read> log_prob: array<f32>;
// Advantages, [rows, columns].
@group(0) @binding(2) var<storage, read> advantages: array<f32>;
// Mean log-probability, mean advantage and length of each response, [rows].
@group(0) @binding(3) var<storage, read_write> responses: array<vec4f>;
// Cov(ln π, A) and Cov(ln π, π·A) of each group, [⌈rows / group⌉].
@group(0) @binding(4) var<storage, read_write> covariance: array<vec2f>;
@group(0) @binding(5) var<uniform> params: Params;

fn index_of(workgroup: vec3u, workgroups: vec3u, lane: u32) -> u32 {
  return (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
}

@compute @workgroup_size(LANES)
fn response_means(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = index_of(workgroup, workgroups, lane);
  if (row >= params.rows) {
    return;
  }
  var n = 0u;
  var sum = vec2f();
  for (var column = 0u; column < params.columns; column++) {
    let i = row * params.columns + column;
    if (mask[i] != 0) {
      n += 1;
      sum += vec2f(log_prob[i], advantages[i]);
    }
  }
  responses[row] = vec4f(sum / f32(max(1, n)), f32(n), 0.0);
}

@compute @workgroup_size(LANES)
fn group_covariance(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = index_of(workgroup, workgroups, lane);
  if (group * params.group >= params.rows) {
    return;
  }
  let first = group * params.group;
  let last = min(params.rows, first + params.group);
  // Means first, so that the products do not cancel.
  var n = 0.0;
  var mean = vec3f();
  for (var row = first; row < last; row++) {
    let response = responses[row];
    if (response.z > 0.0) {
      n += 1.0;
      mean += vec3f(response.x, response.y, exp(response.x) * response.y);
    }
  }
  mean /= max(1.0, n);
  var sum = vec2f();
  for (var row = first; row < last; row++) {
    let response = responses[row];
    if (response.z > 0.0) {
      let d = vec3f(response.x, response.y, exp(response.x) * response.y) - mean;
      sum += d.x * d.yz;
    }
  }
  covariance[group] = sum / max(1.0, n);
}
