// What the backward of attention needs of each query: its ln Σ exp(score), and the mean of the gradients
// of its probabilities, which is the product of its result with the gradient of the result. Prepend
// query_means.wgsl and elements_*.wgsl.

// Invocations of a workgroup.
override LANES: u32;
// Chunks of a head.
override CHUNKS: u32;

struct Params {
  // Vectors, each one head of one token.
  vectors: u32,
}
// The result of attention, [N, H, headSize].
@group(0) @binding(0) var<storage, read> attended: array<Elements>;
// The gradient of the loss with respect to it, [N, H, headSize].
@group(0) @binding(1) var<storage, read> gradient: array<Elements>;
// ln Σ exp(score) of each query, [N, H].
@group(0) @binding(2) var<storage, read> log_sum_exp: array<f32>;
// The result, [N, H].
@group(0) @binding(3) var<storage, read_write> means: array<QueryMeans>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let vector = (workgroup.y * workgroups.x + workgroup.x) * LANES + lane;
  if (vector >= params.vectors) {
    return;
  }
  var sum = 0.0;
  for (var c = 0u; c < CHUNKS; c++) {
    // Staged reads index by one name (staged_reads.ts).
    let i = vector * CHUNKS + c;
    sum += sum_of(attended[i] * gradient[i]);
  }
  means[vector] = QueryMeans(log_sum_exp[vector], sum);
}
