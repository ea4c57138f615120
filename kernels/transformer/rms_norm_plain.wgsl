// What the RMS norm reads where nothing is added to it.

@group(0) @binding(0) var<storage, read> x: array<Elements>;

fn load(i: u32) -> Elements {
  return x[i];
}
