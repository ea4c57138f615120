// Logits in f32 that were copied into a texture (runtime/stage.ts).

// [N, V] from the first bound row on, four to an element, STAGE_WIDTH elements to a line.
@group(0) @binding(0) var logits: texture_2d<f32>;

// Elements 4·i to 4·i + 3.
fn chunk(i: u32) -> vec4f {
  return textureLoad(logits, vec2u(i % STAGE_WIDTH, i / STAGE_WIDTH), 0);
}

// Element i.
fn element(i: u32) -> f32 {
  return chunk(i / 4)[i % 4];
}
