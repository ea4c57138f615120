import type { Point } from "../course.ts";
import type { Finding } from "../finding.ts";
import type { Run } from "../readers/run.ts";
import { type ScoreCourse, scoreCourse } from "../score_course.ts";
import { scoreName } from "./entropy_findings.ts";
import { CANNOT_TELL, percent, round } from "./words.ts";

/** Whether a score fell, from its highest point or from its start to its end. */
function falls({ start, end, fell, changed, noise }: ScoreCourse): boolean {
  return fell || (changed && start.value - end.value > 3 * noise);
}

/** What became of the score: from its start over its highest point to its end. */
export function scoreFinding({ score }: Run): Finding {
  const topic = "performance";
  if (score === undefined) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: no score is logged.`,
      evidence: "no validation or training score",
    };
  }
  const course = scoreCourse(score);
  if (course === undefined) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: one score is logged, ${round(score.values[0]!)} at step ${
        score.steps[0]
      }.`,
      evidence: score.label,
    };
  }
  return {
    topic,
    severity: course.rose && !course.fell ? "fine" : falls(course) ? "problem" : "notice",
    finding: `the ${scoreName(score.kind)} ${courseText(course)}.`,
    evidence: `${score.label}: lowest ${point(course.trough)}, highest ${point(course.peak)}${
      course.width > 1 ? ` (running median of ${course.width})` : ""
    }${
      course.noise === 0
        ? ""
        : `; standard deviation of a ${course.width > 1 ? "point" : "score"} ${
          round(course.noise, 2)
        }`
    }`,
    marks: course.fell ? [{ step: course.peak.step, label: "best score" }] : [],
  };
}

function point({ step, value }: Point): string {
  return `${round(value)} at step ${step}`;
}

function courseText(course: ScoreCourse): string {
  const { start, peak, end, rose, fell, changed, noise } = course;
  const gain = peak.value - start.value;
  if (fell && gain > 0 && peak.step > start.step) {
    const lost = (peak.value - end.value) / gain;
    return `rose from ${point(start)} to ${point(peak)} and fell to ${point(end)}: ${
      lost >= 1 ? "all" : percent(lost)
    } of the gain is lost`;
  }
  const ends = `${point(start)}, ${point(end)}`;
  if (!changed) {
    return noise === 0 ? `did not change: ${ends}` : `did not change above its noise: ${ends}`;
  }
  if (falls(course)) return `fell: ${ends}`;
  if (rose) return `rose: ${ends}`;
  return end.value > start.value
    ? `did not rise above its noise: ${ends}`
    : `did not rise: ${ends}`;
}
