// What the RMS norm reads where its input is first added to the residual stream.

// What is added to the residual stream, [rows, D].
@group(0) @binding(0) var<storage, read> x: array<Elements>;
// The residual stream before that, [rows, D].
@group(0) @binding(1) var<storage, read> before: array<Elements>;
// The residual stream after that, which is normalized, [rows, D].
@group(0) @binding(2) var<storage, read_write> after: array<Elements>;

fn load(i: u32) -> Elements {
  let sum = before[i] + x[i];
  after[i] = sum;
  return sum;
}
