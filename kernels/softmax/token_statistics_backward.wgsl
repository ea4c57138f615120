// Gradient of a loss with respect to logits, from its gradients g with respect to the log-probability of
// the target and h with respect to the entropy of each row. With p = softmax(logits / temperature):
//
//   d loss / d logits[j] = (g · (δ[j = target] - p[j]) - h · p[j] · (ln p[j] + H)) / temperature
//
// That is p[j] · (a · log2 p[j] + b) with a and b the same for the whole row, and g besides at the target.
//
// Prepend power_of_two.wgsl, row_states.wgsl, one of gradient_*.wgsl, and one of logits_*.wgsl.

// Invocations that share a row, a power of two.
override LANES: u32;
// Rows of a workgroup.
override ROWS: u32;
// Whether there is a gradient with respect to the log-probability,
override HAS_LOG_PROB: bool;
// and with respect to the entropy.
override HAS_ENTROPY: bool;
// Whether rows begin and end with whole chunks.
override ALIGNED: bool;

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
  // The first row's index in what is bound of the per-row inputs.
  first_row: u32,
  // 1 / temperature,
  inverse_temperature: f32,
  // and log2(e) times that.
  scale: f32,
}
// The target of each row, [N], four to an element.
@group(0) @binding(2) var<storage, read> targets: array<vec4u>;
// What row_states.wgsl says of each row, [N].
@group(0) @binding(3) var<storage, read> states: array<vec4f>;
// d loss / d log-probability of each row, [N], four to an element.
@group(0) @binding(4) var<storage, read> gradient_log_prob: array<vec4f>;
// d loss / d entropy of each row, [N], four to an element.
@group(0) @binding(5) var<storage, read> gradient_entropy: array<vec4f>;
@group(0) @binding(6) var<uniform> params: Params;

const LN2 = 0.693147181;
const LOG2_OF_E = 1.44269504;

// What is the same for all columns of a row.
struct Row {
  // The largest logit.
  top: f32,
  log2_s: f32,
  // The factors a and b.
  a: f32,
  b: f32,
}

// But for g at the target.
fn gradient_of(row: Row, logits: vec4f) -> vec4f {
  let log2_p = max((logits - row.top) * params.scale - row.log2_s, vec4f(SMALLEST_POWER));
  let p = power_of_two(log2_p);
  if (HAS_ENTROPY) {
    return p * fma(log2_p, vec4f(row.a), vec4f(row.b));
  }
  return p * row.b;
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
  let four = index / 4;
  let state = states[index];
  let begin = params.offset + row * params.stride;
  let end = begin + params.columns;

  // An invalid row has no gradient.
  let scale = select(params.inverse_temperature, 0.0, is_invalid(state));
  var g = 0.0;
  var h = 0.0;
  if (HAS_LOG_PROB) {
    g = gradient_log_prob[four][index % 4] * scale;
  }
  if (HAS_ENTROPY) {
    h = gradient_entropy[four][index % 4] * scale;
  }
  let this_row = Row(state.x, state.y * LOG2_OF_E, -h * LN2, -fma(h, state.z, g));

  let first = (begin + 3) / 4;
  let last = end / 4;
  var i = first + lane;
  for (; i + 3 * LANES < last; i += 4 * LANES) {
    let x0 = chunk(params.logits_shift + i);
    let x1 = chunk(params.logits_shift + i + LANES);
    let x2 = chunk(params.logits_shift + i + 2 * LANES);
    let x3 = chunk(params.logits_shift + i + 3 * LANES);
    store(i, gradient_of(this_row, x0));
    store(i + LANES, gradient_of(this_row, x1));
    store(i + 2 * LANES, gradient_of(this_row, x2));
    store(i + 3 * LANES, gradient_of(this_row, x3));
  }
  for (; i < last; i += LANES) {
    store(i, gradient_of(this_row, chunk(params.logits_shift + i)));
  }
  if (!ALIGNED) {
    if (lane == 0 && 4 * first != begin) {
      store_shared(this_row, first - 1, begin, end);
    }
    if (lane == LANES - 1 && 4 * last != end && last >= first) {
      store_shared(this_row, last, begin, end);
    }
  }

  // Whoever wrote the target's chunk writes the target once more.
  let target_column = targets[four][index % 4] - params.first_column;
  let target_at = begin + target_column;
  var writer = (target_at / 4 - first) % LANES;
  if (!ALIGNED) {
    writer = select(writer, LANES - 1, target_at / 4 >= last);
    writer = select(writer, 0, target_at / 4 < first);
  }
  if (target_column < params.columns && lane == writer) {
    let p = power_of_two(vec4f(max(state.w * LOG2_OF_E, SMALLEST_POWER))).x;
    store_one(target_at, fma(g, 1.0 - p, -h * p * (state.w + state.z)));
  }
}

// A chunk that the row shares with a neighbour.
fn store_shared(row: Row, i: u32, begin: u32, end: u32) {
  let at = vec4u(4 * i) + vec4u(0, 1, 2, 3);
  store_some(i, gradient_of(row, chunk(params.logits_shift + i)), (at >= vec4u(begin)) & (at < vec4u(end)));
}
