// Logits that are overwritten by their gradient, element by element.

fn chunk(i: u32) -> vec4f {
  return vec4f(gradient[4 * i], gradient[4 * i + 1], gradient[4 * i + 2], gradient[4 * i + 3]);
}
