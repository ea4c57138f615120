// What kernels ask about their rows where all of a batch are computed; active_rows.wgsl where some are not.

// How many of `rows` slots from `first` on are computed.
fn slots_from(first: u32, rows: u32) -> u32 {
  return rows;
}

// The row that a slot stands for.
fn row_of(slot: u32) -> u32 {
  return slot;
}

// The place among all workgroups that one takes.
fn place_of(workgroup: u32, workgroups: u32) -> u32 {
  return workgroup;
}
