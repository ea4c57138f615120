import { type Dip, dipOf } from "../dip.ts";
import { DEVIATIONS } from "../fall.ts";
import type { Finding } from "../finding.ts";
import type { Overview } from "../overview.ts";
import { falls, FEWEST_TOLD, type ScoreCourse } from "../score_course.ts";
import { scoreName } from "./score_words.ts";
import { CANNOT_TELL, percent, pointText, round } from "./words.ts";
import { stepText } from "../step_text.ts";
import { strayScores, strayText } from "../stray_scores.ts";

/** What became of the score: from its start over its highest point to its end. */
export function scoreFinding({ run: { score }, score: course, isSolved }: Overview): Finding {
  const topic = "performance";
  if (score === undefined) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: no score is logged.`,
      evidence: "no validation or training score",
    };
  }
  if (course === undefined) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: one score is logged, ${round(score.values[0]!)} at step ${
        stepText(score.steps[0]!)
      }.`,
      evidence: score.label,
    };
  }
  const dip = falls(course) ? undefined : dipOf(score, course);
  const strays = strayScores(score);
  return {
    topic,
    severity: falls(course)
      ? "problem"
      : course.rose && dip === undefined && course.stray === undefined && strays.length === 0
      ? "fine"
      : "notice",
    finding: `the ${scoreName(score.kind)} ${
      score.values.length < FEWEST_TOLD
        ? `went from ${endPoints(course).join(" to ")}, which so few scores do not tell from chance`
        : courseText(course)
    }${dipText(dip)}${strayEndText(course)}${strays.length === 0 ? "" : `; ${strayText(strays)}`}${
      isSolved ? "; it is solved, if 1 is the most" : ""
    }.`,
    evidence: `${score.label}: lowest ${pointText(course.trough)}, highest ${
      pointText(course.peak)
    }${course.width > 1 ? ` (running median of ${course.width})` : ""}${
      course.scatter === 0 ? "" : `; standard deviation of a score ${round(course.scatter, 2)}`
    }`,
    marks: course.fall !== undefined
      ? [{ step: course.peak.step, label: "best score" }]
      : dip === undefined
      ? []
      : [{ step: dip.lowest.step, label: "dip of the score" }],
  };
}

/** Digits that the ends of a score are told to at most. */
const MOST_DIGITS = 6;

/** The start and the end, with so many digits that two that differ look different. */
function endPoints({ start, end }: ScoreCourse): [start: string, end: string] {
  let digits = 3;
  while (digits < MOST_DIGITS && round(start.value, digits) === round(end.value, digits)) digits++;
  if (start.value === end.value) digits = 3;
  return [pointText(start, digits), pointText(end, digits)];
}

function dipText(dip: Dip | undefined): string {
  if (dip === undefined) return "";
  const { lowest, steps: [first, last] } = dip;
  return `; in between it fell to ${pointText(lowest)} and came back${
    first === last ? "" : ` (down from step ${stepText(first)} to step ${stepText(last)})`
  }`;
}

function strayEndText({ stray }: ScoreCourse): string {
  return stray === undefined
    ? ""
    : `; the last score, ${pointText(stray)}, is far from those before it`;
}

function courseText(course: ScoreCourse): string {
  const { start, peak, end, rose, fall, changed, noise, scatter } = course;
  const gain = peak.value - start.value;
  if (fall !== undefined && gain > 0 && fall.from.step > start.step) {
    const lost = (peak.value - end.value) / gain;
    const way = fall.drop === undefined
      ? `fell to ${pointText(end)}`
      : `dropped at once to ${pointText(fall.drop)}, and ends at ${pointText(end)}`;
    return `rose from ${pointText(start)} to ${pointText(fall.from)} and ${way}: ${
      lost >= 1 ? "all" : percent(lost)
    } of the gain is lost`;
  }
  const ends = endPoints(course).join(", ");
  if (!changed && Math.abs(end.value - start.value) > DEVIATIONS * scatter && scatter > 0) {
    return `may have ${
      end.value > start.value ? "risen" : "fallen"
    }, but shows no sure trend: ${ends}`;
  }
  if (!changed) {
    return noise === 0 ? `did not change: ${ends}` : `did not change above its noise: ${ends}`;
  }
  if (falls(course)) return `fell: ${ends}`;
  if (rose) return `rose: ${ends}`;
  return end.value > start.value
    ? `did not rise above its noise: ${ends}`
    : `did not rise: ${ends}`;
}
