import { counted } from "../formats/counted.ts";
import { listed } from "../formats/listed.ts";
import { number } from "../formats/number.ts";
import { scoreName } from "./findings/score_words.ts";
import { signed } from "./findings/words.ts";
import type { RecentGain } from "./gain.ts";
import type { Overview } from "./overview.ts";
import type { Moved } from "./parted_benchmarks.ts";
import { plateauText } from "./plateau_text.ts";
import type { RecentRise } from "./recent_rise.ts";
import { stepText } from "./step_text.ts";

/** What a gain that is open rests on, as the end of a sentence that says so. */
export function openGainText({ kind, count, since, rise }: RecentGain): string {
  return `from ${counted(count, scoreName(kind))}: a rise of ${rangeText(rise)} since step ${
    stepText(since)
  } (90 % interval${expectedText(rise)})`;
}

/** The ends of a rise's interval. */
export function rangeText({ interval: [low, high] }: RecentRise): string {
  return `${signed(low)} to ${signed(high)}`;
}

/** What the law expects of a rise, as the end of a clause; empty where it expects nothing. */
export function expectedText({ expected }: RecentRise): string {
  return expected === undefined ? "" : `; the law expects ${signed(expected)}`;
}

/**
 * Whether the score of a run still gains, in one sentence without its full stop, as sure as `diagnose` is of it;
 * undefined where nothing speaks against it.
 */
export function standText(
  { run, plateau, parted, gain }: Pick<Overview, "run" | "plateau" | "parted" | "gain">,
): string | undefined {
  if (parted !== undefined) {
    const { fallen, risen } = parted;
    return `the mean hides that ${listed(fallen.map(wayText))} fell and ${
      listed(risen.map(wayText))
    } rose`;
  }
  if (plateau === undefined) return undefined;
  const { best, fall } = plateau;
  if (fall === undefined && gain?.why === "open") {
    return `whether the score still gains cannot be told ${openGainText(gain)}; best ${
      number(best.value, 3)
    } at step ${stepText(best.step)}`;
  }
  // Where the validations do not tell, the training score may.
  const rises = fall === undefined && gain?.rises === true && gain.kind !== run.score?.kind;
  return plateauText(plateau) + (rises ? `; the ${scoreName(gain.kind)} still rises` : "");
}

function wayText({ key, from, to }: Moved): string {
  return `${key} (from ${number(from.value, 3)} to ${number(to.value, 3)})`;
}
