// The weights of tokens' losses in the aggregated loss. Needs `weights`.

// Whether they differ between responses.
override BY_RESPONSE: bool;

// Of the four tokens from `token` on, in responses of `columns`; `first_weight` is the first response's.
fn weights_of(token: u32, columns: u32, first_weight: f32) -> vec4f {
  if (!BY_RESPONSE) {
    return vec4f(first_weight);
  }
  let rows = (vec4u(token) + vec4u(0, 1, 2, 3)) / columns;
  return vec4f(weights[rows.x], weights[rows.y], weights[rows.z], weights[rows.w]);
}
