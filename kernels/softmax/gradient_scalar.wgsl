// Gradients of rows that begin anywhere: neighbouring rows share chunks, so elements are written alone.

// d loss / d logits, [N, V] from the first bound row on.
@group(0) @binding(1) var<storage, read_write> gradient: array<f32>;

// Elements 4·i to 4·i + 3.
fn store(i: u32, value: vec4f) {
  gradient[4 * i] = value.x;
  gradient[4 * i + 1] = value.y;
  gradient[4 * i + 2] = value.z;
  gradient[4 * i + 3] = value.w;
}

// Those of them that `which` names.
fn store_some(i: u32, value: vec4f, which: vec4<bool>) {
  for (var j = 0u; j < 4; j++) {
    if (which[j]) {
      gradient[4 * i + j] = value[j];
    }
  }
}

// Element i.
fn store_one(i: u32, value: f32) {
  gradient[i] = value;
}
