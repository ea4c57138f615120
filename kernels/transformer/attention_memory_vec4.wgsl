// Queries, keys and values of attention where the size of a head is a multiple of 4.

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;

fn load_q(vector: u32, chunk: u32) -> vec4f {
  return q[vector * CHUNKS + chunk];
}

fn load_k(vector: u32, chunk: u32) -> vec4f {
  return k[vector * CHUNKS + chunk];
}

fn load_v(vector: u32, chunk: u32) -> vec4f {
  return v[vector * CHUNKS + chunk];
}
