// ⌊share · count⌋ with the product rounded to float64: how many tokens verl selects is Python's
// int(share * count), and one token more or less is another loss. WGSL has no float64, float32 gives other
// numbers, and the count is on the GPU only, where a readback would cost more than the selection. The share
// comes as its 53-bit mantissa and its exponent: share = (high · 2^32 + low) · 2^exponent with exponent <= 0.
// Needs multiply_wide of philox.wgsl.

fn floor_of_product(low: u32, high: u32, exponent: i32, count: u32) -> u32 {
  // The exact product in 96 bits, least significant word first; the mantissa has 53 and the count 32.
  let p = multiply_wide(low, count);
  let q = multiply_wide(high, count);
  let middle = p.y + q.x;
  var words = vec3u(p.x, middle, q.y + select(0u, 1u, middle < p.y));
  if (all(words == vec3u())) {
    return 0;
  }
  // Round to 53 bits: to nearest, ties to even.
  let excess = i32(bit_length(words)) - 53;
  if (excess > 0) {
    let cut = u32(excess);
    let rest = low_bits(words, cut);
    let half = shifted_left_one(cut - 1);
    words = shift_right(words, cut);
    if (less(half, rest) || (all(half == rest) && (words.x & 1) == 1)) {
      words = increment(words);
    }
    words = shift_left(words, cut);
  }
  let fraction_bits = u32(-exponent);
  if (fraction_bits >= 96) {
    return 0;
  }
  return shift_right(words, fraction_bits).x;
}

fn bit_length(words: vec3u) -> u32 {
  if (words.z != 0) {
    return 96 - countLeadingZeros(words.z);
  }
  if (words.y != 0) {
    return 64 - countLeadingZeros(words.y);
  }
  return 32 - countLeadingZeros(words.x);
}

fn word(words: vec3u, i: i32) -> u32 {
  if (i < 0 || i > 2) {
    return 0;
  }
  return words[i];
}

fn shift_right(words: vec3u, bits: u32) -> vec3u {
  let by = i32(bits / 32);
  let rest = bits % 32;
  var result = vec3u();
  for (var i = 0; i < 3; i++) {
    result[i] = word(words, i + by) >> rest;
    if (rest > 0) {
      result[i] |= word(words, i + by + 1) << (32 - rest);
    }
  }
  return result;
}

fn shift_left(words: vec3u, bits: u32) -> vec3u {
  let by = i32(bits / 32);
  let rest = bits % 32;
  var result = vec3u();
  for (var i = 0; i < 3; i++) {
    result[i] = word(words, i - by) << rest;
    if (rest > 0) {
      result[i] |= word(words, i - by - 1) >> (32 - rest);
    }
  }
  return result;
}

fn shifted_left_one(bits: u32) -> vec3u {
  return shift_left(vec3u(1, 0, 0), bits);
}

fn low_bits(words: vec3u, bits: u32) -> vec3u {
  let without = shift_left(shift_right(words, bits), bits);
  return words ^ without;
}

fn less(a: vec3u, b: vec3u) -> bool {
  if (a.z != b.z) {
    return a.z < b.z;
  }
  if (a.y != b.y) {
    return a.y < b.y;
  }
  return a.x < b.x;
}

fn increment(words: vec3u) -> vec3u {
  var result = words;
  result.x += 1;
  if (result.x == 0) {
    result.y += 1;
    if (result.y == 0) {
      result.z += 1;
    }
  }
  return result;
}
