// Draws a token for each row with probability softmax(logits / temperature) by an exponential race: with E
// exponentially distributed, the token of least E / p wins, which is the one of largest
// logit / temperature - ln E. Equal to the Gumbel-max trick, but with random numbers that are finest where
// the race is decided, at small E. Or takes the largest logit.
//
// Prepend all_rows.wgsl or active_rows.wgsl, philox.wgsl and elementary.wgsl.

// Invocations that share a row, a power of two, and rows of a workgroup.
override LANES: u32;
override ROWS: u32;
// Take the largest logit instead of drawing.
override GREEDY: bool;

struct Params {
  // Rows that are bound.
  rows: u32,
  // The first row's slot, or its index in `done` and `tokens`, and in the random numbers.
  first_row: u32,
  // Tokens of the vocabulary, V.
  columns: u32,
  // Tells apart the tokens of a sequence, in the random numbers.
  position: u32,
  // Tells apart the rollouts of one seed.
  stream: u32,
  // The lower 32 bits of the seed.
  seed_low: u32,
  // The upper 32 bits of the seed.
  seed_high: u32,
  // One over the temperature.
  inverse_temperature: f32,
  // The token of rows that have ended before.
  pad_token: u32,
  // The token that ends a row.
  end_token: u32,
}
// The logits, [rows, V]; −∞ is a masked token.
@group(0) @binding(0) var<storage, read> logits: array<f32>;
// Not 0 for rows that have ended, [N]; set for those that end here.
@group(0) @binding(1) var<storage, read_write> done: array<u32>;
// The tokens that are drawn, [N].
@group(0) @binding(2) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

const LOWEST = -0x1.fffffep+127;

struct Candidate {
  score: f32,
  token: u32,
}
var<workgroup> candidates: array<Candidate, LANES * ROWS>;

// The better of two; of equals, the one with the lower token.
fn better(a: Candidate, b: Candidate) -> Candidate {
  if (b.score > a.score || (b.score == a.score && b.token < a.token)) {
    return b;
  }
  return a;
}

// -ln(1 - w) for w uniform in (0, 1), small w in steps of 2^-32.
fn exponential(bits: u32) -> f32 {
  let w = min((f32(bits) + 0.5) * 0x1p-32, 1.0 - 0x1p-24);
  // 2·artanh(z), good to z = 0.15.
  let z = w / (2.0 - w);
  let z2 = z * z;
  var p = fma(z2, 2.0 / 9.0, 2.0 / 7.0);
  p = fma(z2, p, 2.0 / 5.0);
  p = fma(z2, p, 2.0 / 3.0);
  return select(-log_of_positive(1.0 - w), fma(z * z2, p, 2.0 * z), w < 0.25);
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
  let index = row_of(params.first_row + row);
  var best = Candidate(LOWEST, 0);
  if (is_row) {
    for (var block = lane; 4 * block < params.columns; block += LANES) {
      var bits = vec4u();
      if (!GREEDY) {
        let counter = vec4u(block, index, params.position, params.stream);
        bits = philox(counter, vec2u(params.seed_low, params.seed_high));
      }
      for (var i = 0u; i < min(4, params.columns - 4 * block); i++) {
        let token = 4 * block + i;
        var score = logits[row * params.columns + token];
        if (!GREEDY) {
          score = score * params.inverse_temperature - log_of_positive(exponential(bits[i]));
        }
        if (score > best.score) {
          best = Candidate(score, token);
        }
      }
    }
  }
  if (LANES > 1) {
    candidates[at] = best;
    for (var apart = LANES / 2; apart > 0; apart /= 2) {
      workgroupBarrier();
      if (lane < apart) {
        candidates[at] = better(candidates[at], candidates[at + apart]);
      }
    }
    workgroupBarrier();
    best = candidates[at - lane];
  }
  if (lane == 0 && is_row) {
    if (done[index] != 0) {
      tokens[index] = params.pad_token;
    } else {
      tokens[index] = best.token;
      done[index] = u32(best.token == params.end_token);
    }
  }
}
