// What the RMS norm reads where its input is first added to the residual stream.

@group(0) @binding(0) var<storage, read> x: array<Elements>;
@group(0) @binding(1) var<storage, read> before: array<Elements>;
@group(0) @binding(2) var<storage, read_write> after: array<Elements>;

fn load(i: u32) -> Elements {
  let sum = before[i] + x[i];
  after[i] = sum;
  return sum;
}
