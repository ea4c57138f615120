// Four numbers at a time, where the length of every row is a multiple of 4.

alias Elements = vec4f;
const WIDTH = 4u;

fn sum_of(x: Elements) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

// Nothing to do: elements are vectors.
fn widened(x: Elements) -> vec4f {
  return x;
}

fn narrowed(x: vec4f) -> Elements {
  return x;
}
