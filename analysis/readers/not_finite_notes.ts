import { counted } from "../../formats/counted.ts";
import type { NotFinite } from "./series.ts";

/** A sentence for each chosen key, but not for very many, that has values which are not finite. */
export function notFiniteNotes(
  chosen: readonly string[],
  notFinite: ReadonlyMap<string, NotFinite>,
): string[] {
  const notes: string[] = [];
  let others = 0;
  for (const key of chosen) {
    const { count = 0, first } = notFinite.get(key) ?? {};
    if (count === 0) continue;
    const are = count === 1 ? "is" : "are";
    const values = `${counted(count, "value")} of ${key}`;
    if (notes.length < 3) {
      notes.push(`${values} ${are} not finite and ${are} left out, the first at step ${first}.`);
    } else others++;
  }
  if (others > 0) notes.push(`So are values of ${counted(others, "other key")}.`);
  return notes;
}
