// Log-probability of the target, entropy and log Z of each row of logits, in one pass over them.
//
// With z = logits / temperature, m = max z, s = Σ exp(z - m) and t = Σ (z - m)·exp(z - m):
//
//   log Z = m + ln s      log p(target) = (z[target] - m) - ln s      H = ln s - t/s
//
// Each invocation folds its part of the row into its own (m, s, t), rescaling the sums when the maximum
// grows; the parts are then merged in a fixed order. Rows may come in tiles of columns, whose states are
// merged as well. Prepend elementary.wgsl, invalid_rows.wgsl and one of logits_*.wgsl.

// Invocations that share a row, a power of two.
override LANES: u32;
// Rows of a workgroup.
override ROWS: u32;
// Whether the probability of the most likely token is written.
override TOP_PROBABILITY: bool;

struct Params {
  // Rows that are bound.
  rows: u32,
  // Columns of this tile.
  columns: u32,
  // The column of the row at which it begins.
  first_column: u32,
  // Elements from one row to the next as stored,
  stride: u32,
  // and before the first row.
  offset: u32,
  // The first row's index in the outputs.
  first_row: u32,
  // 1 / temperature.
  inverse_temperature: f32,
  // Whether this tile is the row's first,
  is_first: u32,
  // and its last.
  is_last: u32,
}
// The target of each row, [N].
@group(0) @binding(1) var<storage, read> targets: array<u32>;
// [N]: m, s, t and z[target] of each row; after the last tile m, ln s, H and log p(target), for the backward.
@group(0) @binding(2) var<storage, read_write> states: array<vec4f>;
// Log-probability of the target of each row, [N], in nats.
@group(0) @binding(3) var<storage, read_write> log_prob: array<f32>;
// Entropy of each row, [N], in nats.
@group(0) @binding(4) var<storage, read_write> entropy: array<f32>;
// ln Σ exp(z) of each row, [N].
@group(0) @binding(5) var<storage, read_write> log_z: array<f32>;
// Which rows are invalid, with a code for each of N.
@group(0) @binding(6) var<storage, read_write> invalid: InvalidRows;
// Probability of the most likely token of each row, [N]; empty without TOP_PROBABILITY.
@group(0) @binding(7) var<storage, read_write> top_probability: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

const LOWEST = -0x1.fffffep+127;
const MINUS_INFINITY = 0xff800000u;
const PLUS_INFINITY = 0x7f800000u;
const ALL_MASKED = 1u;
const NOT_A_NUMBER = 2u;
const BAD_TARGET = 3u;

// The running state of a part of a row.
struct State {
  // The largest z so far, -infinity before the first.
  top: f32,
  s: f32,
  t: f32,
  // The largest bit pattern without its sign, shifted left: above 0xff000000 for NaN.
  bits: u32,
}
var<workgroup> parts: array<State, LANES * ROWS>;

// WGSL has no literal for it, and evaluates no constant to it.
fn minus_infinity() -> f32 {
  var bits = MINUS_INFINITY;
  return bitcast<f32>(bits);
}

// The maximum to subtract: finite also where all is masked.
fn base(top: f32) -> f32 {
  return max(top, LOWEST);
}

fn merge(p: State, q: State) -> State {
  let top = max(p.top, q.top);
  let d = vec2f(base(p.top), base(q.top)) - base(top);
  let e = exp_up_to_88(d.xyxy).xy;
  // A part without finite logits has no sum, and its distance is no number to multiply with.
  let distance = max(d, vec2f(SMALLEST_EXPONENT));
  return State(
    top,
    dot(e, vec2f(p.s, q.s)),
    dot(e, fma(distance, vec2f(p.s, q.s), vec2f(p.t, q.t))),
    max(p.bits, q.bits),
  );
}

fn largest(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

// The bits without the sign, which they order by size, NaN above all.
fn magnitude_of(x: vec4f) -> vec4u {
  return bitcast<vec4u>(x) << vec4u(1);
}

fn sum(x: vec4f) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

// One chunk of four; columns outside the tile count as masked.
fn fold(state: State, values: vec4f) -> State {
  let z = values * params.inverse_temperature;
  let top = largest(z);
  let d = max(z - base(top), vec4f(SMALLEST_EXPONENT));
  let e = exp_up_to_88(d);
  let magnitude = magnitude_of(values);
  let bits = max(max(magnitude.x, magnitude.y), max(magnitude.z, magnitude.w));
  return merge(state, State(top, sum(e), dot(d, e), bits));
}

@compute @workgroup_size(LANES * ROWS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) at: u32,
) {
  let lane = at % LANES;
  let row = (workgroup.y * workgroups.x + workgroup.x) * ROWS + at / LANES;
  let is_row = row < params.rows;
  var state = State(minus_infinity(), 0.0, 0.0, 0u);
  let begin = params.offset + row * params.stride;
  let end = begin + params.columns;

  if (is_row) {
    // Whole chunks, eight at a time, then one at a time; chunks that the row shares with its neighbours
    // are masked.
    let first = (begin + 3) / 4;
    let last = end / 4;
    var i = first + lane;
    for (; i + 7 * LANES < last; i += 8 * LANES) {
      let x0 = chunk(i);
      let x1 = chunk(i + LANES);
      let x2 = chunk(i + 2 * LANES);
      let x3 = chunk(i + 3 * LANES);
      let x4 = chunk(i + 4 * LANES);
      let x5 = chunk(i + 5 * LANES);
      let x6 = chunk(i + 6 * LANES);
      let x7 = chunk(i + 7 * LANES);
      let scale = params.inverse_temperature;
      let z0 = x0 * scale;
      let z1 = x1 * scale;
      let z2 = x2 * scale;
      let z3 = x3 * scale;
      let z4 = x4 * scale;
      let z5 = x5 * scale;
      let z6 = x6 * scale;
      let z7 = x7 * scale;
      let top = max(
        state.top,
        largest(max(max(max(z0, z1), max(z2, z3)), max(max(z4, z5), max(z6, z7)))),
      );
      let b = base(top);
      let d0 = max(z0 - b, vec4f(SMALLEST_EXPONENT));
      let d1 = max(z1 - b, vec4f(SMALLEST_EXPONENT));
      let d2 = max(z2 - b, vec4f(SMALLEST_EXPONENT));
      let d3 = max(z3 - b, vec4f(SMALLEST_EXPONENT));
      let d4 = max(z4 - b, vec4f(SMALLEST_EXPONENT));
      let d5 = max(z5 - b, vec4f(SMALLEST_EXPONENT));
      let d6 = max(z6 - b, vec4f(SMALLEST_EXPONENT));
      let d7 = max(z7 - b, vec4f(SMALLEST_EXPONENT));
      let e0 = exp_up_to_88(d0);
      let e1 = exp_up_to_88(d1);
      let e2 = exp_up_to_88(d2);
      let e3 = exp_up_to_88(d3);
      let e4 = exp_up_to_88(d4);
      let e5 = exp_up_to_88(d5);
      let e6 = exp_up_to_88(d6);
      let e7 = exp_up_to_88(d7);
      let s = ((e0 + e1) + (e2 + e3)) + ((e4 + e5) + (e6 + e7));
      var t = fma(d0, e0, d1 * e1) + fma(d2, e2, d3 * e3);
      t += fma(d4, e4, d5 * e5) + fma(d6, e6, d7 * e7);
      let magnitude = max(
        max(max(magnitude_of(x0), magnitude_of(x1)), max(magnitude_of(x2), magnitude_of(x3))),
        max(max(magnitude_of(x4), magnitude_of(x5)), max(magnitude_of(x6), magnitude_of(x7))),
      );
      let bits = max(max(magnitude.x, magnitude.y), max(magnitude.z, magnitude.w));
      state = merge(state, State(top, sum(s), sum(t), bits));
    }
    for (; i < last; i += LANES) {
      state = fold(state, chunk(i));
    }
    if (lane == 0 && first * 4 != begin) {
      state = fold(state, masked(first - 1, begin, end));
    }
    if (lane == LANES - 1 && last * 4 != end && last >= first) {
      state = fold(state, masked(last, begin, end));
    }
  }

  // Alone with its row, an invocation needs no workgroup memory.
  if (LANES == 1) {
    if (is_row) {
      finish(row, state, begin);
    }
    return;
  }
  parts[at] = state;
  for (var apart = LANES / 2; apart > 0; apart /= 2) {
    workgroupBarrier();
    if (lane < apart) {
      parts[at] = merge(parts[at], parts[at + apart]);
    }
  }
  if (is_row && lane == 0) {
    finish(row, parts[at], begin);
  }
}

// A chunk with the elements outside begin..end masked.
fn masked(i: u32, begin: u32, end: u32) -> vec4f {
  let at = vec4u(4 * i) + vec4u(0, 1, 2, 3);
  return select(
    vec4f(minus_infinity()),
    chunk(i),
    (at >= vec4u(begin)) & (at < vec4u(end)),
  );
}

// Merges the tile into the row's state and, after the last tile, writes the results.
fn finish(row: u32, tile: State, begin: u32) {
  let index = params.first_row + row;
  let target_column = targets[index];
  var state = tile;
  var target_logit = 0.0;
  if (params.is_first == 0) {
    let before = states[index];
    target_logit = before.w;
    state = merge(State(before.x, before.y, before.z, invalid.codes[index]), tile);
  }
  if (target_column >= params.first_column && target_column - params.first_column < params.columns) {
    let at = begin + target_column - params.first_column;
    target_logit = chunk(at / 4)[at % 4] * params.inverse_temperature;
  }
  if (params.is_last == 0) {
    states[index] = vec4f(state.top, state.s, state.t, target_logit);
    invalid.codes[index] = state.bits;
    return;
  }
  var code = 0u;
  if (
    target_column >= params.first_column + params.columns ||
    bitcast<u32>(target_logit) == MINUS_INFINITY
  ) {
    code = BAD_TARGET;
  }
  if (bitcast<u32>(state.top) == MINUS_INFINITY) {
    code = ALL_MASKED;
  }
  // NaN, or +infinity, against which every other logit is nothing.
  if (state.bits > 0xff000000u || bitcast<u32>(state.top) == PLUS_INFINITY) {
    code = NOT_A_NUMBER;
  }
  invalid.codes[index] = code;
  var log_s = log_of_positive(state.s);
  var h = log_s - state.t / state.s;
  var log_p = (target_logit - state.top) - log_s;
  var log_sum = state.top + log_s;
  var probability = 1.0 / state.s;
  if (code != 0) {
    atomicAdd(&invalid.count, 1);
    atomicMax(&invalid.inverse_of_first, ~index);
    log_s = 0.0;
    h = 0.0;
    log_p = 0.0;
    log_sum = 0.0;
    probability = 0.0;
  }
  states[index] = vec4f(state.top, log_s, h, log_p);
  log_prob[index] = log_p;
  entropy[index] = h;
  log_z[index] = log_sum;
  if (TOP_PROBABILITY) {
    top_probability[index] = probability;
  }
}
