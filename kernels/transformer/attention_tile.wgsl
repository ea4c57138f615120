// What the passes of attention share. They work on tiles of four queries by four keys: the scores of a
// tile are a matrix whose columns are queries and whose components are keys. A vector is one head of one
// token, read in chunks of four. Prepend spans.wgsl.
//
// Constants: TILE = 4; TILES and KEY_TILES, the tiles of an invocation; CHUNKS, and SIZE, the components of a
// head.

// Heads of the queries and of the keys, and how many of a group an invocation takes.
override QUERY_HEADS: u32;
override KEY_HEADS: u32;
override HEADS: u32;
// Invocations of a workgroup.
override LANES: u32;
// Whether neighbouring invocations work on neighbouring positions of one head, which read the same
// keys, or on the same positions of other heads, whose loops are as long.
override POSITIONS_FIRST: bool;

const LOWEST = -0x1.fffffep+127;

struct Params {
  // Sequences of the batch.
  rows: u32,
  // The slot of the first one, or its index in `spans` and `done`.
  first_row: u32,
  // Tokens of the longest sequence, or 1 where one query is decoded.
  longest: u32,
  // Where one query is decoded: positions of a row of the cache.
  capacity: u32,
  // Where one query is decoded: its position, counted from the end of its row's span.
  step: u32,
  // A query sees this many keys at most, its own included.
  window: u32,
  // CHUNKS, not as a constant: a loop over many is not to be unrolled.
  chunks: u32,
  // Multiplies the products of queries and keys: 1 / √headSize.
  scale: f32,
}
// Where each sequence lies among the tokens, [B].
@group(0) @binding(3) var<storage, read> spans: array<Span>;

// Which head and which run of positions an invocation works on.
struct Work {
  row: u32,
  head: u32,
  run: u32,
}

fn work_of(at: u32, heads: u32, runs: u32) -> Work {
  let units = params.rows * heads;
  let unit = select(at % units, at / runs, POSITIONS_FIRST);
  let run = select(at / units, at % runs, POSITIONS_FIRST);
  return Work(unit / heads, unit % heads, run);
}

// The vectors of four queries of a group's heads, counted position by position; those past the last of
// `queries` positions are read as the last one.
fn query_vectors(each: vec4u, first: u32, queries: u32, head: u32) -> vec4u {
  let own = min(each, vec4u(queries * HEADS - 1));
  return (first + own / HEADS) * QUERY_HEADS + head * HEADS + own % HEADS;
}

// The key head of the heads that an invocation takes of a group.
fn key_head_of(work: Work) -> u32 {
  return work.head * HEADS / (QUERY_HEADS / KEY_HEADS);
}

// The vectors of four keys of a head; those from `end` on are not seen, and the last one before it is read in their
// place.
fn key_vectors(keys: vec4u, first: u32, end: u32, head: u32) -> vec4u {
  return (first + min(keys, vec4u(end - 1))) * KEY_HEADS + head;
}

// Whether a query sees each of four keys: none that comes after it, none that lies too far back.
fn sees(query: u32, keys: vec4u) -> vec4<bool> {
  return vec4u(query) - keys < vec4u(params.window);
}

// A chunk of four vectors, which are the columns of the result.
fn q_columns(vectors: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(
    load_q(vectors.x, chunk),
    load_q(vectors.y, chunk),
    load_q(vectors.z, chunk),
    load_q(vectors.w, chunk),
  );
}

fn k_columns(vectors: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(
    load_k(vectors.x, chunk),
    load_k(vectors.y, chunk),
    load_k(vectors.z, chunk),
    load_k(vectors.w, chunk),
  );
}

fn v_columns(vectors: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(
    load_v(vectors.x, chunk),
    load_v(vectors.y, chunk),
    load_v(vectors.z, chunk),
    load_v(vectors.w, chunk),
  );
}
