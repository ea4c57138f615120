// Gradients of attention in memory. Prepend attention_memory_scalar.wgsl.

// The gradient of the loss with respect to the result, [N, H, headSize].
@group(0) @binding(4) var<storage, read> gradient: array<f32>;
// The gradient with respect to the queries, [N, H, headSize].
@group(0) @binding(6) var<storage, read_write> gradient_q: array<f32>;
// The gradient with respect to the keys, [N, KV, headSize].
@group(0) @binding(7) var<storage, read_write> gradient_k: array<f32>;
// The gradient with respect to the values, [N, KV, headSize].
@group(0) @binding(8) var<storage, read_write> gradient_v: array<f32>;

fn load_gradient(vector: u32, chunk: u32) -> vec4f {
  var x = vec4f();
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    x[i] = gradient[vector * SIZE + 4 * chunk + i];
  }
  return x;
}

fn store_gradient_q(vector: u32, chunk: u32, value: vec4f) {
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    gradient_q[vector * SIZE + 4 * chunk + i] = value[i];
  }
}

fn store_gradients_k_v(vector: u32, chunk: u32, of_k: vec4f, of_v: vec4f) {
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    gradient_k[vector * SIZE + 4 * chunk + i] = of_k[i];
    gradient_v[vector * SIZE + 4 * chunk + i] = of_v[i];
  }
}

fn load_gradient_q(vector: u32, chunk: u32) -> vec4f {
  var x = vec4f();
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    x[i] = gradient_q[vector * SIZE + 4 * chunk + i];
  }
  return x;
}

fn load_gradient_k(vector: u32, chunk: u32) -> vec4f {
  var x = vec4f();
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    x[i] = gradient_k[vector * SIZE + 4 * chunk + i];
  }
  return x;
}

fn load_gradient_v(vector: u32, chunk: u32) -> vec4f {
  var x = vec4f();
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    x[i] = gradient_v[vector * SIZE + 4 * chunk + i];
  }
  return x;
}
