/** WebGPU allows at least this many workgroups in a dimension. */
const LONGEST = 65535;

/**
 * Workgroups for `count` items in a row, `perGroup` to a workgroup, as a grid that no limit cuts: shaders
 * number them as `workgroup.y * workgroups.x + workgroup.x` and leave out those past the last item.
 */
export function grid(count: number, perGroup: number): [number, number] {
  const groups = Math.ceil(count / perGroup);
  const x = Math.min(groups, LONGEST);
  return [x, x === 0 ? 0 : Math.ceil(groups / x)];
}
