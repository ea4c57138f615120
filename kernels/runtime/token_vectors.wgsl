// Which vectors of four tokens a workgroup of LANES has. Prepended to the kernels over tokens.

// Vectors of an invocation.
override VECTORS: u32;

// The first vector of a block.
fn start_of_block(block: u32) -> u32 {
  return block * LANES * VECTORS;
}

// The vector past the last one of a block, of `size` tokens in all.
fn end_of_block(block: u32, size: u32) -> u32 {
  return min(start_of_block(block + 1), (size + 3) / 4);
}

// Which tokens of a vector there are, of `size` in all: the last vector may hold others, of no meaning.
fn is_within(vector: u32, size: u32) -> vec4<bool> {
  return vec4u(4 * vector) + vec4u(0, 1, 2, 3) < vec4u(size);
}

fn sum_of(x: vec4f) -> f32 {
  return x.x + x.y + x.z + x.w;
}
