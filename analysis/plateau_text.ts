import type { Point } from "./course.ts";
import { counted } from "../formats/counted.ts";
import { number } from "../formats/number.ts";
import { isConstant, isWithoutGain, type Plateau, shareAtPlateau } from "./plateau.ts";
import { stepText } from "./step_text.ts";

/** A plateau in one sentence without its full stop: since when, the best score, and what came after it. */
export function plateauText(plateau: Plateau): string {
  const { since, best, last, level, start, fall } = plateau;
  const after = last - best.step;
  const bestText = `best ${number(best.value, 3)} at step ${stepText(best.step)}` +
    (after > 0 ? `, ${stepText(after)} ${after === 1 ? "step" : "steps"} before the last` : "");
  const at = ({ step, value }: Point) => `${number(value, 3)} at step ${stepText(step)}`;
  if (fall?.drop !== undefined) {
    return `the score dropped at once from ${at(fall.from)} to ${at(fall.drop)}; it ends at ${
      at(fall.to)
    }; ${bestText}`;
  }
  if (fall !== undefined) {
    return `the score fell from ${at(fall.from)} to ${at(fall.to)}; ${bestText}`;
  }
  if (isWithoutGain(plateau)) {
    if (isConstant(plateau)) {
      return `no gain in the whole log: the score is ${number(start.value, 3)} throughout`;
    }
    return `no gain in the whole log: ${number(start.value, 3)} at step ${stepText(start.step)}, ${
      number(level, 3)
    } on average; ${bestText}`;
  }
  return `no gain since step ${stepText(since.step)}: ${number(since.value, 3)} there, ${
    number(level, 3)
  } on average since; ${bestText}`;
}

/** What a plateau rests on: the start, the line through the scores, and the share of the gain before it. */
export function plateauEvidence(plateau: Plateau): string {
  const { start, since, scores, rise: [low, high] } = plateau;
  if (isConstant(plateau)) return `all ${scores} scores are the same`;
  if (plateau.fall !== undefined) {
    return `${number(start.value, 3)} at step ${stepText(start.step)}; ${
      number(plateau.level, 3)
    } on average of the ${counted(scores, "score")} after step ${stepText(since.step)}${
      plateau.scatter === 0 ? "" : `; standard deviation of a score ${number(plateau.scatter, 2)}`
    }`;
  }
  const [verb, one, other] = high < 0
    ? ["falls", -high, -low]
    : [low < 0 ? "changes" : "rises", low, high];
  const line = `a line through the ${scores} scores from step ${
    stepText(since.step)
  } on ${verb} by ${number(one, 2)} to ${number(other, 2)} in all (90 % interval)`;
  if (isWithoutGain(plateau)) return line;
  const share = shareAtPlateau(plateau);
  return [
    `${number(start.value, 3)} at step ${stepText(start.step)}`,
    ...(share === undefined ? [] : [
      `${number(100 * share, 3)} % of the gain to the plateau was there at step ${
        stepText(since.step)
      }`,
    ]),
    line,
  ].join("; ");
}
