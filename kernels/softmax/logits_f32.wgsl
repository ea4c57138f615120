// Logits in f32.

@group(0) @binding(0) var<storage, read> logits: array<vec4f>;

// Elements 4·i to 4·i + 3.
fn chunk(i: u32) -> vec4f {
  return logits[i];
}
