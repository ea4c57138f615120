// Adds the gradient of each token to its row of the table's gradient. The places of the tokens come sorted
// by token; the list is cut into parts of PART places, which may cut a token's run of places in two or
// more. `parts` adds whole runs to the table and writes the sums of cut ones to `edges`; `runs` adds those
// up, in order. Each invocation works on one chunk of columns. Prepend elements_*.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Places of a part.
override PART: u32;
// Chunks of a row.
override CHUNKS: u32;

struct Params {
  // Parts of the list.
  parts: u32,
  // The first row's index in `tokens`.
  first_row: u32,
  // Rows of the whole table, V.
  vocabulary: u32,
  // The token of the first row of the table that is bound.
  first_token: u32,
  // Rows of the table that are bound.
  tokens: u32,
}
// The tokens, [N].
@group(0) @binding(0) var<storage, read> tokens: array<u32>;
// Places sorted by token, as token_order.wgsl wrote them.
@group(0) @binding(1) var<storage, read> order: array<u32>;
// Where the run of each token begins in `order`, and where the last run ends, [V + 1].
@group(0) @binding(2) var<storage, read> starts: array<u32>;
// The gradient of the loss with respect to the result, a row for each place.
@group(0) @binding(3) var<storage, read> gradient: array<Elements>;
// Two rows for each part: of the run that began before it, and of the run that goes on after it,
// [parts, 2, D].
@group(0) @binding(4) var<storage, read_write> edges: array<Elements>;
// Some rows of the gradient with respect to the table, of [V, D].
@group(0) @binding(5) var<storage, read_write> gradient_table: array<Elements>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn parts(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  let part = at / CHUNKS;
  let chunk = at % CHUNKS;
  let first = part * PART;
  let last = min(first + PART, starts[params.vocabulary]);
  if (part >= params.parts) {
    return;
  }
  var i = first;
  while (i < last) {
    let token = tokens[params.first_row + order[i]];
    let begin = starts[token];
    let end = starts[token + 1];
    var sum = Elements();
    for (; i < min(end, last); i++) {
      sum += gradient[order[i] * CHUNKS + chunk];
    }
    if (begin < first) {
      edges[2 * part * CHUNKS + chunk] = sum;
    } else if (end > last) {
      edges[(2 * part + 1) * CHUNKS + chunk] = sum;
    } else if (token - params.first_token < params.tokens) {
      gradient_table[(token - params.first_token) * CHUNKS + chunk] += sum;
    }
  }
}

@compute @workgroup_size(LANES)
fn runs(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  let bound = at / CHUNKS;
  let chunk = at % CHUNKS;
  if (bound >= params.tokens) {
    return;
  }
  let token = params.first_token + bound;
  let begin = starts[token];
  let end = starts[token + 1];
  let first = begin / PART;
  let last = (max(end, 1) - 1) / PART;
  if (begin == end || first == last) {
    return;
  }
  var sum = edges[(2 * first + 1) * CHUNKS + chunk];
  for (var part = first + 1; part <= last; part++) {
    sum += edges[2 * part * CHUNKS + chunk];
  }
  gradient_table[at] += sum;
}
