// Logits in bf16, two to a word: the upper halves of f32.

// [N, V] from the first bound row on, four to an element.
@group(0) @binding(0) var<storage, read> logits: array<vec2u>;

// Elements 4·i to 4·i + 3.
fn chunk(i: u32) -> vec4f {
  let words = logits[i].xxyy;
  return bitcast<vec4f>(vec4u(words.x << 16, words.y & 0xffff0000, words.z << 16, words.w & 0xffff0000));
}

// Element i.
fn element(i: u32) -> f32 {
  return chunk(i / 4)[i % 4];
}
