// The result of attention. Prepend attention_memory_vec4.wgsl.

// The result, of the shape of the queries.
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;

fn store_out(vector: u32, chunk: u32, value: vec4f) {
  out[vector * CHUNKS + chunk] = value;
}

fn load_out(vector: u32, chunk: u32) -> vec4f {
  return out[vector * CHUNKS + chunk];
}
