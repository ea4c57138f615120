// Logits in f16, two to a word.

// [N, V] from the first bound row on, four to an element.
@group(0) @binding(0) var<storage, read> logits: array<vec2u>;

// Elements 4·i to 4·i + 3.
fn chunk(i: u32) -> vec4f {
  let words = logits[i];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}

// Element i.
fn element(i: u32) -> f32 {
  return chunk(i / 4)[i % 4];
}
