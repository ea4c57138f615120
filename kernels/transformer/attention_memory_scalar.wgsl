// Queries, keys and values of attention for heads of any size: the last chunk is filled up with zeros.

// Queries, [N, H, headSize], or [B, H, headSize] where one of each row is decoded.
@group(0) @binding(0) var<storage, read> q: array<f32>;
// Keys, [N, KV, headSize], or those of the cache, [B, S, KV, headSize].
@group(0) @binding(1) var<storage, read> k: array<f32>;
// Values, of the shape of the keys.
@group(0) @binding(2) var<storage, read> v: array<f32>;

fn load_q(vector: u32, chunk: u32) -> vec4f {
  var x = vec4f();
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    x[i] = q[vector * SIZE + 4 * chunk + i];
  }
  return x;
}

fn load_k(vector: u32, chunk: u32) -> vec4f {
  var x = vec4f();
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    x[i] = k[vector * SIZE + 4 * chunk + i];
  }
  return x;
}

fn load_v(vector: u32, chunk: u32) -> vec4f {
  var x = vec4f();
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    x[i] = v[vector * SIZE + 4 * chunk + i];
  }
  return x;
}
