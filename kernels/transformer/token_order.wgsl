// The places of each token of the vocabulary in a sequence, as one list sorted by token and then by place:
// a counting sort. Each invocation counts in a segment of the sequence of its own, so nothing depends on
// the order in which invocations run.

// Invocations of a workgroup.
override LANES: u32;

struct Params {
  // Tokens to sort.
  size: u32,
  // The index of the first token.
  first: u32,
  // Tokens of the vocabulary, V; others are left out.
  vocabulary: u32,
  // Segments of the sequence.
  segments: u32,
  // Tokens of a segment.
  segment_size: u32,
}
// The tokens, [N].
@group(0) @binding(0) var<storage, read> tokens: array<u32>;
// For each segment and token, how often it occurs there; after `rank`, how often in earlier segments,
// [segments, V].
@group(0) @binding(1) var<storage, read_write> counts: array<u32>;
// How often each token occurs; after `accumulate`, where its places begin in the list, and the list's length,
// [V + 1].
@group(0) @binding(2) var<storage, read_write> starts: array<u32>;
// The list of places, from 0, sorted by token and then by place, [size].
@group(0) @binding(3) var<storage, read_write> order: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> lane_sums: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn count(@builtin(global_invocation_id) id: vec3u) {
  let segment = id.x;
  let first = segment * params.segment_size;
  let last = min(first + params.segment_size, params.size);
  for (var i = first; i < last; i++) {
    let token = tokens[params.first + i];
    if (token < params.vocabulary) {
      counts[segment * params.vocabulary + token] += 1;
    }
  }
}

@compute @workgroup_size(LANES)
fn rank(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let token = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  if (token >= params.vocabulary) {
    return;
  }
  var total = 0u;
  for (var segment = 0u; segment < params.segments; segment++) {
    let i = segment * params.vocabulary + token;
    let here = counts[i];
    counts[i] = total;
    total += here;
  }
  starts[token] = total;
}

// One workgroup.
@compute @workgroup_size(LANES)
fn accumulate(@builtin(local_invocation_index) lane: u32) {
  let share = (params.vocabulary + LANES - 1) / LANES;
  let first = min(lane * share, params.vocabulary);
  let last = min(first + share, params.vocabulary);
  var total = 0u;
  for (var token = first; token < last; token++) {
    total += starts[token];
  }
  lane_sums[lane] = total;
  workgroupBarrier();
  var sum = 0u;
  for (var other = 0u; other < lane; other++) {
    sum += lane_sums[other];
  }
  for (var token = first; token < last; token++) {
    let here = starts[token];
    starts[token] = sum;
    sum += here;
  }
  if (lane == LANES - 1) {
    starts[params.vocabulary] = sum;
  }
}

@compute @workgroup_size(LANES)
fn place(@builtin(global_invocation_id) id: vec3u) {
  let segment = id.x;
  let first = segment * params.segment_size;
  let last = min(first + params.segment_size, params.size);
  for (var i = first; i < last; i++) {
    let token = tokens[params.first + i];
    if (token < params.vocabulary) {
      let rank = segment * params.vocabulary + token;
      order[starts[token] + counts[rank]] = i;
      counts[rank] += 1;
    }
  }
}
