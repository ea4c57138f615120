// One number at a time, for rows of any length.

alias Elements = f32;
const WIDTH = 1u;

fn sum_of(x: Elements) -> f32 {
  return x;
}

// In all lanes of a vector, for functions of vectors, and back.
fn widened(x: Elements) -> vec4f {
  return vec4f(x);
}

fn narrowed(x: vec4f) -> Elements {
  return x.x;
}
