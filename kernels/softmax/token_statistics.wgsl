// Log-probability of the target, entropy and log Z of each row of logits x, in one pass over them.
//
// With T the temperature, m = max x, d = (x - m) · log2(e) / T, s = Σ 2^d and t = Σ d · 2^d:
//
//   log Z = m/T + ln s      log p(target) = (x[target] - m)/T - ln s      H = ln s - ln 2 · t/s
//
// Each invocation folds its part of the row into its own (m, s, t), rescaling the sums when the maximum
// grows; the parts are then merged in a fixed order. Rows may come in tiles of columns, whose states are
// merged as well. Prepend all_rows.wgsl or active_rows.wgsl, elementary.wgsl, power_of_two.wgsl, row_states.wgsl and one of logits_*.wgsl.

// Invocations that share a row, a power of two.
override LANES: u32;
// Rows of a workgroup.
override ROWS: u32;
// Whether rows begin and end with whole chunks.
override ALIGNED: bool;
// Whether this tile is the row's first,
override IS_FIRST: bool;
// and its last.
override IS_LAST: bool;

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
  // The first row's slot, or its index in the outputs.
  first_row: u32,
  // 1 / temperature,
  inverse_temperature: f32,
  // and log2(e) times that.
  scale: f32,
}
struct InvalidRows {
  // How many there are.
  count: atomic<u32>,
  // The bitwise inverse of the first one's index, which is the largest; 0 for none.
  inverse_of_first: atomic<u32>,
  // What is wrong with each row, 0 for nothing; between tiles, what State.bits holds.
  codes: array<u32>,
}
// The target of each row, [N].
@group(0) @binding(1) var<storage, read> targets: array<u32>;
// [N]: m, s, t and x[target] of each row; after the last tile what row_states.wgsl says.
@group(0) @binding(2) var<storage, read_write> states: array<vec4f>;
// Log-probability of the target of each row, [N], in nats.
@group(0) @binding(3) var<storage, read_write> log_prob: array<f32>;
// Entropy of each row, [N], in nats.
@group(0) @binding(4) var<storage, read_write> entropy: array<f32>;
// ln Σ exp(z) of each row, [N].
@group(0) @binding(5) var<storage, read_write> log_z: array<f32>;
// Which rows are invalid, with a code for each of N.
@group(0) @binding(6) var<storage, read_write> invalid: InvalidRows;
@group(0) @binding(7) var<uniform> params: Params;

const LOWEST = -0x1.fffffep+127;
const LN2 = 0.693147181;
const MINUS_INFINITY = 0xff800000u;
const PLUS_INFINITY = 0x7f800000u;
const ALL_MASKED = 1u;
const NOT_A_NUMBER = 2u;
const BAD_TARGET = 3u;

// The state of a part of a row.
struct State {
  // The largest logit, -infinity before the first.
  top: f32,
  s: f32,
  t: f32,
  // The largest bit pattern without its sign, shifted left: above 0xff000000 for NaN.
  bits: u32,
}
var<workgroup> parts: array<State, LANES * ROWS>;

// The same with four sums, which are added up at the end.
struct Sums {
  top: f32,
  s: vec4f,
  t: vec4f,
  bits: vec4u,
}

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
  let distance = (vec2f(base(p.top), base(q.top)) - base(top)) * params.scale;
  // A part without finite logits has no sum, and its distance is no number to multiply with.
  let d = max(distance, vec2f(SMALLEST_POWER));
  let e = power_of_two(d.xyxy).xy;
  return State(
    top,
    dot(e, vec2f(p.s, q.s)),
    dot(e, fma(d, vec2f(p.s, q.s), vec2f(p.t, q.t))),
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

// The sums on a maximum that may have grown.
fn rescale(sums: Sums, top: f32) -> Sums {
  let d = max((base(sums.top) - base(top)) * params.scale, SMALLEST_POWER);
  let e = power_of_two(vec4f(d)).x;
  return Sums(top, e * sums.s, e * fma(vec4f(d), sums.s, sums.t), sums.bits);
}

// With one chunk of four logits, none above the maximum; columns outside the tile count as masked.
fn add(sums: Sums, x: vec4f) -> Sums {
  let d = max((x - base(sums.top)) * params.scale, vec4f(SMALLEST_POWER));
  let e = power_of_two(d);
  return Sums(sums.top, sums.s + e, fma(d, e, sums.t), max(sums.bits, magnitude_of(x)));
}

fn fold(sums: Sums, x: vec4f) -> Sums {
  return add(rescale(sums, max(sums.top, largest(x))), x);
}

@compute @workgroup_size(LANES * ROWS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) at: u32,
) {
  let lane = at % LANES;
  let row = place_of(workgroup.y * workgroups.x + workgroup.x, workgroups.x * workgroups.y) * ROWS + at / LANES;
  let is_row = row < slots_from(params.first_row, params.rows);
  let begin = params.offset + row * params.stride;
  let end = begin + params.columns;
  var sums = Sums(minus_infinity(), vec4f(), vec4f(), vec4u());

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
      let top = largest(max(max(max(x0, x1), max(x2, x3)), max(max(x4, x5), max(x6, x7))));
      sums = rescale(sums, max(sums.top, top));
      sums = add(add(add(add(sums, x0), x1), x2), x3);
      sums = add(add(add(add(sums, x4), x5), x6), x7);
    }
    for (; i < last; i += LANES) {
      sums = fold(sums, chunk(i));
    }
    if (!ALIGNED) {
      if (lane == 0 && first * 4 != begin) {
        sums = fold(sums, masked(first - 1, begin, end));
      }
      if (lane == LANES - 1 && last * 4 != end && last >= first) {
        sums = fold(sums, masked(last, begin, end));
      }
    }
  }
  let bits = max(max(sums.bits.x, sums.bits.y), max(sums.bits.z, sums.bits.w));
  let state = State(sums.top, sum(sums.s), sum(sums.t), bits);

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
  let index = row_of(params.first_row + row);
  let target_column = targets[index];
  var state = tile;
  var target_logit = 0.0;
  if (!IS_FIRST) {
    let before = states[index];
    target_logit = before.w;
    state = merge(State(before.x, before.y, before.z, invalid.codes[index]), tile);
  }
  if (target_column >= params.first_column && target_column - params.first_column < params.columns) {
    target_logit = element(begin + target_column - params.first_column);
  }
  if (!IS_LAST) {
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
  var h = log_s - LN2 * (state.t / state.s);
  var log_p = (target_logit - state.top) * params.inverse_temperature - log_s;
  var log_sum = state.top * params.inverse_temperature + log_s;
  if (code != 0) {
    atomicAdd(&invalid.count, 1);
    atomicMax(&invalid.inverse_of_first, ~index);
    log_s = INVALID;
    h = 0.0;
    log_p = 0.0;
    log_sum = 0.0;
  }
  states[index] = vec4f(state.top, log_s, h, log_p);
  log_prob[index] = log_p;
  entropy[index] = h;
  log_z[index] = log_sum;
}
