// Gradients of rows that begin on a 16-byte boundary.

// d loss / d logits, [N, V] from the first bound row on, four to an element.
@group(0) @binding(1) var<storage, read_write> gradient: array<vec4f>;

// Elements 4·i to 4·i + 3.
fn store(i: u32, value: vec4f) {
  gradient[i] = value;
}

// Those of them that `which` names.
fn store_some(i: u32, value: vec4f, which: vec4<bool>) {
  gradient[i] = select(gradient[i], value, which);
}

// Element i.
fn store_one(i: u32, value: f32) {
  gradient[i / 4][i % 4] = value;
}
