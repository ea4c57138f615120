import { notBought } from "../bought.ts";
import { expectedText, openGainText, rangeText } from "../gain_text.ts";
import type { Overview } from "../overview.ts";
import { stepText } from "../step_text.ts";
import { noRiseText, scoreName } from "./score_words.ts";
import { percent, round } from "./words.ts";

/** Whether the fall of the entropy still buys score, in a sentence. */
export function buysText({ run, gain, plateau, parted, isSolved }: Overview): string {
  const { score, entropy } = run;
  if (isSolved) {
    return `The score is at ${
      round(plateau!.level)
    }, where little is left to buy if 1 is the most.`;
  }
  if (parted !== undefined) {
    return "Whether it still buys score cannot be told by a mean of benchmarks that part.";
  }
  if (gain === undefined) return "Whether it still buys score cannot be told: too few scores.";
  const name = scoreName(gain.kind) +
    (score !== undefined && score.kind !== gain.kind
      ? ` (there are too few ${scoreName(score.kind)}s to tell)`
      : "");
  // The rise of another score tells nothing here.
  const unpaid = gain.rises && gain.kind === score!.kind
    ? notBought(entropy!, score!, gain.since)
    : undefined;
  if (unpaid !== undefined) {
    return `The ${name} still rises, but not for entropy: ${
      percent(unpaid.gained)
    } of its gain came since step ${stepText(gain.since)}, and ${
      unpaid.spent <= 0 ? "none" : percent(unpaid.spent)
    } of the entropy's fall.`;
  }
  if (gain.rises) {
    return `It still buys score: the ${name} has risen since step ${stepText(gain.since)}.`;
  }
  const [range, law] = [rangeText(gain.rise), expectedText(gain.rise)];
  switch (gain.why) {
    case "open":
      return `Whether it still buys score cannot be told ${openGainText(gain)}.`;
    case "stopped":
      return `The ${name} rose by ${range} since step ${
        stepText(gain.since)
      } (90 % interval${law}), but not since step ${stepText(plateau!.since.step)}.`;
    case "never":
      return `It buys no score: the ${name} ${noRiseText(gain)}.`;
    case "less":
      return `It no longer buys score: the ${name} ${
        noRiseText(gain)
      } (${range}, 90 % interval${law}).`;
    default:
      return `It no longer buys score: the ${name} ${noRiseText(gain)}.`;
  }
}
