// Gradient of a loss with respect to logits, from its gradients g with respect to the log-probability of
// the target and h with respect to the entropy of each row. With p = softmax(logits / temperature):
//
//   d loss / d logits[j] = (g · (δ[j = target] - p[j]) - h · p[j] · (ln p[j] + H)) / temperature
//
// Prepend elementary.wgsl, invalid_rows.wgsl, one of gradient_*.wgsl, and one of logits_*.wgsl.

// Invocations that share a row, a power of two.
override LANES: u32;
// Rows of a workgroup.
override ROWS: u32;
// Whether there is a gradient with respect to the log-probability,
override HAS_LOG_PROB: bool;
// and with respect to the entropy.
override HAS_ENTROPY: bool;

struct Params {
  // Rows that are bound.
  rows: u32,
  // Columns of this tile.
  columns: u32,
  // The column of the row at which it begins.
  first_column: u32,
  // Elements from one row to the next as stored,
  stride: u32,
  // and of the gradient before the first row.
  offset: u32,
  // Chunks by which the logits lie further into their binding.
  logits_shift: u32,
  // The first row's index in the per-row inputs.
  first_row: u32,
  // 1 / temperature.
  inverse_temperature: f32,
}
// The target of each row, [N].
@group(0) @binding(2) var<storage, read> targets: array<u32>;
// m, ln s, H and log p(target) of each row, [N].
@group(0) @binding(3) var<storage, read> states: array<vec4f>;
// Which rows are invalid; only read.
@group(0) @binding(4) var<storage, read_write> invalid: InvalidRows;
// d loss / d log-probability of each row, [N].
@group(0) @binding(5) var<storage, read> gradient_log_prob: array<f32>;
// d loss / d entropy of each row, [N].
@group(0) @binding(6) var<storage, read> gradient_entropy: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

// What is the same for all columns of a row.
struct Row {
  m: f32,
  log_s: f32,
  entropy: f32,
  // The two upstream gradients over the temperature.
  g: f32,
  h: f32,
  // The element of the target.
  target_at: u32,
}

fn gradient_of(row: Row, i: u32, logits: vec4f) -> vec4f {
  let log_p = (logits * params.inverse_temperature - row.m) - row.log_s;
  let p = select(exp_up_to_88(log_p), vec4f(), log_p < vec4f(SMALLEST_EXPONENT));
  let is_target = vec4u(4 * i) + vec4u(0, 1, 2, 3) == vec4u(row.target_at);
  var result = row.g * (select(vec4f(), vec4f(1), is_target) - p);
  if (HAS_ENTROPY) {
    result -= row.h * p * (max(log_p, vec4f(SMALLEST_EXPONENT)) + row.entropy);
  }
  return result;
}

@compute @workgroup_size(LANES * ROWS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) at: u32,
) {
  let lane = at % LANES;
  let row = (workgroup.y * workgroups.x + workgroup.x) * ROWS + at / LANES;
  if (row >= params.rows) {
    return;
  }
  let index = params.first_row + row;
  let state = states[index];
  let begin = params.offset + row * params.stride;
  let end = begin + params.columns;

  // An invalid row has no gradient.
  let scale = select(params.inverse_temperature, 0.0, invalid.codes[index] != 0);
  var this_row = Row(state.x, state.y, state.z, 0.0, 0.0, 0xffffffff);
  if (HAS_LOG_PROB) {
    this_row.g = gradient_log_prob[index] * scale;
  }
  if (HAS_ENTROPY) {
    this_row.h = gradient_entropy[index] * scale;
  }
  let target_column = targets[index] - params.first_column;
  if (target_column < params.columns) {
    this_row.target_at = begin + target_column;
  }

  let first = (begin + 3) / 4;
  let last = end / 4;
  var i = first + lane;
  for (; i + 3 * LANES < last; i += 4 * LANES) {
    let x0 = chunk(params.logits_shift + i);
    let x1 = chunk(params.logits_shift + i + LANES);
    let x2 = chunk(params.logits_shift + i + 2 * LANES);
    let x3 = chunk(params.logits_shift + i + 3 * LANES);
    store(i, gradient_of(this_row, i, x0));
    store(i + LANES, gradient_of(this_row, i + LANES, x1));
    store(i + 2 * LANES, gradient_of(this_row, i + 2 * LANES, x2));
    store(i + 3 * LANES, gradient_of(this_row, i + 3 * LANES, x3));
  }
  for (; i < last; i += LANES) {
    store(i, gradient_of(this_row, i, chunk(params.logits_shift + i)));
  }
  if (lane == 0 && 4 * first != begin) {
    store_shared(this_row, first - 1, begin, end);
  }
  if (lane == LANES - 1 && 4 * last != end && last >= first) {
    store_shared(this_row, last, begin, end);
  }
}

// A chunk that the row shares with a neighbour.
fn store_shared(row: Row, i: u32, begin: u32, end: u32) {
  let at = vec4u(4 * i) + vec4u(0, 1, 2, 3);
  store_some(i, gradient_of(row, i, chunk(params.logits_shift + i)), (at >= vec4u(begin)) & (at < vec4u(end)));
}
