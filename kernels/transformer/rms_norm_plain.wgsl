// What the RMS norm reads where nothing is added to it.

// The input, [rows, D].
@group(0) @binding(0) var<storage, read> x: array<Elements>;

fn load(i: u32) -> Elements {
  return x[i];
}
