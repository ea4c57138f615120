// Philox 4×32-10 (Salmon et al. 2011): 128 random bits for each counter and key, the same on every
// adapter. The one random generator of all kernels.

// The 64-bit product of two words: low, high.
fn multiply_wide(a: u32, b: u32) -> vec2u {
  let a_low = a & 0xffff;
  let a_high = a >> 16;
  let b_low = b & 0xffff;
  let b_high = b >> 16;
  let low = a_low * b_low;
  let middle = a_high * b_low + (low >> 16);
  let other = a_low * b_high + (middle & 0xffff);
  return vec2u((other << 16) | (low & 0xffff), a_high * b_high + (middle >> 16) + (other >> 16));
}

fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0; round < 10; round++) {
    let p = multiply_wide(0xd2511f53, c.x);
    let q = multiply_wide(0xcd9e8d57, c.z);
    c = vec4u(q.y ^ c.y ^ k.x, q.x, p.y ^ c.w ^ k.y, p.x);
    k += vec2u(0x9e3779b9, 0xbb67ae85);
  }
  return c;
}

// Uniform in the open interval (0, 1), in steps of 2^-23.
fn to_uniform(bits: vec4u) -> vec4f {
  return (vec4f(bits >> vec4u(9)) + 0.5) * 0x1p-23;
}
