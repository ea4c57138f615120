// What the backward of attention needs of each query: its ln Σ exp(score), and the mean of the gradients
// of its probabilities, which is the product of its result with the gradient of the result. Prepend
// elements_*.wgsl.

override LANES: u32;
// Chunks of a head.
override CHUNKS: u32;

struct Params {
  // Vectors, each one head of one token.
  vectors: u32,
}
@group(0) @binding(0) var<storage, read> out: array<Elements>;
@group(0) @binding(1) var<storage, read> gradient: array<Elements>;
@group(0) @binding(2) var<storage, read> log_sum_exp: array<f32>;
@group(0) @binding(3) var<storage, read_write> means: array<vec2f>;
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
    sum += sum_of(out[vector * CHUNKS + c] * gradient[vector * CHUNKS + c]);
  }
  means[vector] = vec2f(log_sum_exp[vector], sum);
}
