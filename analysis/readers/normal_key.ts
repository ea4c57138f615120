/** A key with `@8` where MLflow and SkyRL write `_at_8`, else as it is. */
export function withAt(key: string): string {
  return key.includes("_at_") ? key.replace(/_at_(?=\d)/g, "@") : key;
}

// One key is asked about by many rules in a row, and a log may have 150 000 keys.
let last: { key: string; normal: string; words?: readonly string[] } = { key: "", normal: "" };

/**
 * A key with `_`, `.` and `/` alike, in lower case, and `@8` for `_at_8`: exports write `actor_entropy` for
 * `actor/entropy`, and `eval_reward` is `eval/reward` in W&B.
 */
export function normalKey(key: string): string {
  if (last.key !== key) {
    last = { key, normal: withAt(key).toLowerCase().replace(/[_.]/g, "/") };
  }
  return last.normal;
}

/** The words of a key. */
export function wordsOf(key: string): readonly string[] {
  const normal = normalKey(key);
  return last.words ??= normal.split(/[^a-z\d]+/).filter((word) => word !== "");
}

/**
 * The normal forms of a key's endings: what is left as one leading part after another, parted by `/` or
 * `.`, is taken away; the longest first, the whole key left out, at most four.
 */
export function endingsOf(key: string): string[] {
  const endings: string[] = [];
  const written = withAt(key);
  const normal = normalKey(key);
  for (const match of written.matchAll(/[/.]/g)) {
    endings.push(normal.slice(match.index + 1));
    if (endings.length === 4) break;
  }
  return endings;
}
