import { COMPANION_RULES, COMPANION_WORDS, type CompanionName } from "./companion_keys.ts";
import { hasWords, isKnown, isUnderstood } from "./keys.ts";
import { endingsOf, normalKey } from "./normal_key.ts";
import type { Run } from "./run.ts";
import type { Series } from "./series.ts";

/**
 * The series of a companion: by the preferred key that the log has, by its whole name before its ending
 * before its words. Groups without signal may be the sum of those that are too easy and too hard, the clip fraction
 * that of what each bound clips.
 */
export function companionOf(
  { series }: Pick<Run, "series">,
  name: CompanionName,
): { key: string; series: Series } | undefined {
  const keys = Array.from(series.keys());
  const byName = (names: (key: string) => readonly string[]) => {
    for (const pattern of COMPANION_RULES[name]) {
      const found = keys.find((key) => names(key).some((one) => pattern.test(one)));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const words = COMPANION_WORDS[name];
  const key = byName((key) => [normalKey(key)]) ??
    // A name that is known is of what it is known for: rollout_corr/kl is no KL to the reference.
    byName((key) => isKnown(key) ? [] : endingsOf(key)) ??
    (words && keys.find((key) => !isUnderstood(key) && hasWords(key, words)));
  if (key !== undefined) return { key, series: series.get(key)! };
  const [one, other] = (PARTS[name] ?? []).map((part) => companionOf({ series }, part));
  if (one === undefined || other === undefined) return undefined;
  return { key: `${one.key} + ${other.key}`, series: sum(one.series, other.series) };
}

/** Of what a companion is the sum, where it is not logged itself. */
const PARTS: Partial<Record<CompanionName, readonly [CompanionName, CompanionName]>> = {
  "groups without signal": ["groups too hard", "groups too easy"],
  "clip fraction": ["clipped at the lower bound", "clipped at the upper bound"],
};

function sum(left: Series, right: Series): Series {
  const at = new Map(Array.from(right.steps, (step, i) => [step, right.values[i]!]));
  const common = Array.from(left.steps, (step, i) => [step, left.values[i]!] as const)
    .filter(([step]) => at.has(step));
  return {
    steps: Float64Array.from(common, ([step]) => step),
    values: Float64Array.from(common, ([step, value]) => value + at.get(step)!),
  };
}
