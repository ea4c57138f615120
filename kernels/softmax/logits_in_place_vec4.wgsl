// Logits that are overwritten by their gradient.

fn chunk(i: u32) -> vec4f {
  return gradient[i];
}
