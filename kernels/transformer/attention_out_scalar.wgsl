// The result of attention. Prepend attention_memory_scalar.wgsl.

// The result, of the shape of the queries.
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

fn store_out(vector: u32, chunk: u32, value: vec4f) {
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    out[vector * SIZE + 4 * chunk + i] = value[i];
  }
}

fn load_out(vector: u32, chunk: u32) -> vec4f {
  var x = vec4f();
  for (var i = 0u; i < min(4, SIZE - 4 * chunk); i++) {
    x[i] = out[vector * SIZE + 4 * chunk + i];
  }
  return x;
}
