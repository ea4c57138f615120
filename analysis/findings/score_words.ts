import type { RecentGain } from "../gain.ts";
import { stepText } from "../step_text.ts";

/** That a score does not rise of late, in a few words that follow its name. */
export function noRiseText({ isSlight, since, why }: RecentGain): string {
  const from = `since step ${stepText(since)}`;
  if (why === "fell") return `has fallen ${from}`;
  if (why === "stopped") return `rises no more, as it did ${from}`;
  if (why === "never") return "shows no rise in the whole log";
  return `shows ${isSlight ? "hardly any" : why === "open" ? "no clear" : "no"} rise ${from}`;
}

/** What a score is called in a sentence. */
export function scoreName(kind: RecentGain["kind"]): string {
  return kind === "unknown" ? "score" : `${kind} score`;
}
