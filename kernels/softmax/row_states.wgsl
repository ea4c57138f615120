// What is kept of a row of logits between the forward and what comes after it: the largest logit, ln s, H and
// log p(target). Prepended to token_statistics.wgsl, which writes it, and to its readers.

// ln s of invalid rows; of others it is not below 0, since the largest logit alone adds 1 to s.
const INVALID = -1.0;

fn is_invalid(state: vec4f) -> bool {
  return state.y < 0.5 * INVALID;
}
