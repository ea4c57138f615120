/**
 * How many steps a run is to have, where a row says it beside the step: `5/100` as ms-swift writes it, or
 * LLaMA-Factory's `total_steps` beside `current_steps`; undefined where it does not.
 *
 * @param name The name of the row's step.
 */
export function plannedInRow(name: string, cell: (key: string) => unknown): number | undefined {
  const stated = name === "current_steps"
    ? String(cell("total_steps"))
    : /^\s*\d+\/(\d+)\s*$/.exec(String(cell(name)))?.[1];
  const planned = Number(stated);
  return planned > 0 && Number.isSafeInteger(planned) ? planned : undefined;
}
