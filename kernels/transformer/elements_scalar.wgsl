// One number at a time, for rows of any length.

alias Elements = f32;
const WIDTH = 1u;

fn sum_of(x: Elements) -> f32 {
  return x;
}
