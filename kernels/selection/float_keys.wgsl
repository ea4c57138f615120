// Numbers as keys, which are ordered like them. Prepended to selection_keys.wgsl and to group_means.wgsl.

// The two zeros are one, and no number has the key 0.
fn keys_of(x: vec4f) -> vec4u {
  let bits = bitcast<vec4u>(x);
  let ordered = select(bits | vec4u(0x80000000), ~bits, (bits >> vec4u(31)) == vec4u(1));
  return select(ordered, vec4u(0x80000000), (bits << vec4u(1)) == vec4u());
}

fn float_of_key(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffff, key >> 31 == 1));
}

// By the bits: compilers may take it that there is no NaN.
fn is_nan(x: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(x) << vec4u(1)) > vec4u(0xff000000);
}
