// Logits in f32.

// [N, V] from the first bound row on, four to an element.
@group(0) @binding(0) var<storage, read> logits: array<vec4f>;

// Elements 4·i to 4·i + 3.
fn chunk(i: u32) -> vec4f {
  return logits[i];
}

// Element i.
fn element(i: u32) -> f32 {
  return chunk(i / 4)[i % 4];
}
