// Three matrices side by side that are one after the other in a binding.

struct Sides {
  // The columns at which the second and the third begin, and the number of all.
  second: u32,
  third: u32,
  columns: u32,
  // Elements from the first element of the first to those of the second and the third.
  to_second: u32,
  to_third: u32,
}

// One of the three.
struct Side {
  // Its first column among all.
  first: u32,
  // Its columns.
  width: u32,
  // Elements from the first element of the first matrix to its own.
  offset: u32,
}

// The matrix that has this column.
fn side_of(sides: Sides, column: u32) -> Side {
  let after_first = column >= sides.second;
  let after_second = column >= sides.third;
  let widths = vec3u(sides.second, sides.third - sides.second, sides.columns - sides.third);
  return Side(
    select(select(0u, sides.second, after_first), sides.third, after_second),
    select(select(widths.x, widths.y, after_first), widths.z, after_second),
    select(select(0u, sides.to_second, after_first), sides.to_third, after_second),
  );
}

