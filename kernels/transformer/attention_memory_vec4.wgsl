// Queries, keys and values of attention where the size of a head is a multiple of 4.

// Queries, [N, H, headSize], or [B, H, headSize] where one of each row is decoded.
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
// Keys, [N, KV, headSize], or those of the cache, [B, S, KV, headSize].
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
// Values, of the shape of the keys.
@group(0) @binding(2) var<storage, read> v: array<vec4f>;

// Staged reads index by one name (staged_reads.ts).
fn load_q(vector: u32, chunk: u32) -> vec4f {
  let i = vector * CHUNKS + chunk;
  return q[i];
}

fn load_k(vector: u32, chunk: u32) -> vec4f {
  let i = vector * CHUNKS + chunk;
  return k[i];
}

fn load_v(vector: u32, chunk: u32) -> vec4f {
  let i = vector * CHUNKS + chunk;
  return v[i];
}
