// Gradients of attention in memory. Prepend attention_memory_vec4.wgsl.

// The gradient of the loss with respect to the result, [N, H, headSize].
@group(0) @binding(4) var<storage, read> gradient: array<vec4f>;
// The gradient with respect to the queries, [N, H, headSize].
@group(0) @binding(6) var<storage, read_write> gradient_q: array<vec4f>;
// The gradient with respect to the keys, [N, KV, headSize].
@group(0) @binding(7) var<storage, read_write> gradient_k: array<vec4f>;
// The gradient with respect to the values, [N, KV, headSize].
@group(0) @binding(8) var<storage, read_write> gradient_v: array<vec4f>;

// Staged reads index by one name (staged_reads.ts).
fn load_gradient(vector: u32, chunk: u32) -> vec4f {
  let i = vector * CHUNKS + chunk;
  return gradient[i];
}

fn store_gradient_q(vector: u32, chunk: u32, value: vec4f) {
  gradient_q[vector * CHUNKS + chunk] = value;
}

fn store_gradients_k_v(vector: u32, chunk: u32, of_k: vec4f, of_v: vec4f) {
  gradient_k[vector * CHUNKS + chunk] = of_k;
  gradient_v[vector * CHUNKS + chunk] = of_v;
}

fn load_gradient_q(vector: u32, chunk: u32) -> vec4f {
  return gradient_q[vector * CHUNKS + chunk];
}

fn load_gradient_k(vector: u32, chunk: u32) -> vec4f {
  return gradient_k[vector * CHUNKS + chunk];
}

fn load_gradient_v(vector: u32, chunk: u32) -> vec4f {
  return gradient_v[vector * CHUNKS + chunk];
}
