import { listed } from "../../formats/listed.ts";
import { isAboveChance } from "../fall.ts";
import type { Finding } from "../finding.ts";
import type { Overview } from "../overview.ts";
import type { ScoreSeries } from "../readers/run.ts";
import { isTask, type RewardTerm, rewardTerms } from "../reward_terms.ts";
import { falls, type ScoreCourse, scoreCourse } from "../score_course.ts";
import { medianOf, trendOf } from "../trend.ts";
import { LOOK } from "./reward_findings.ts";
import { pointText, round, signed } from "./words.ts";

/** The 95th percentile of the standard normal distribution: a term with such a trend may rise. */
const MAY_RISE = 1.645;

/**
 * That a term of the reward which is what the task asks for fell, or did not rise while the reward gained by its
 * other terms; no finding where it rose, or where the log does not tell.
 */
export function taskTermFindings({ run: { score }, run, score: total }: Overview): Finding[] {
  if (score === undefined || total === undefined) return [];
  const terms = rewardTerms(run).flatMap((term) => {
    const course = scoreCourse(asScore(term, score), "medians");
    return course === undefined ? [] : [{ ...term, course }];
  });
  const task = terms.filter(({ name, key }) => isTask(name) && !score.keys.includes(key));
  const gained = terms.filter(({ name, course }) => !isTask(name) && course.rose);
  const fell = task.filter(({ course }) => falls(course));
  return [
    ...fell.map((term) => fallFinding(term, gained, isBelowItsPeak(score, total))),
    ...(fell.length === 0 && total.rose ? gainFindings(task, gained) : []),
  ];
}

/** A term and what became of it. */
type TermCourse = RewardTerm & { readonly course: ScoreCourse };

function asScore({ key, series }: RewardTerm, total: ScoreSeries): ScoreSeries {
  return { ...total, ...series, keys: [key], label: key, kind: "training" };
}

/** Whether a score fell, or ends below its highest point by more than chance. */
function isBelowItsPeak(score: ScoreSeries, course: ScoreCourse): boolean {
  const end = course.width === 1 ? course.end.value : medianOf(score.values.subarray(-3));
  return falls(course) ||
    (course.changed && isAboveChance(course.peak.value - end, 0, { score, course }));
}

function fallFinding(
  { name, key, series, course: { start, fall, end } }: TermCourse,
  gained: readonly TermCourse[],
  isProblem: boolean,
): Finding {
  return {
    topic: "task reward",
    severity: isProblem ? "problem" : "notice",
    finding: `${name} fell from ${pointText(fall?.from ?? start)} to ${pointText(end)}${
      gained.length === 0 ? "" : ` while ${gained.map(riseText).join(" and ")}: ${LOOK}`
    }.`,
    evidence: `${key}, ${series.values.length} values: ${pointText(start)}, ${pointText(end)}${
      gained.map(({ key }) => `; ${key}`).join("")
    }`,
    marks: [{ step: (fall?.from ?? start).step, label: `${name} falls` }],
  };
}

/** That all of a gain is of terms that are not what the task asks for. */
function gainFindings(task: readonly TermCourse[], gained: readonly TermCourse[]): Finding[] {
  const mayRise = ({ course, series }: TermCourse) => course.rose || trendOf(series).z > MAY_RISE;
  if (task.length === 0 || gained.length === 0 || task.some(mayRise)) return [];
  return [{
    topic: "task reward",
    severity: "notice",
    finding: `the gain of the reward came from ${
      listed(gained.map(({ name, course }) =>
        `${name} (${signed(course.end.value - course.start.value)})`
      ))
    }; ${
      listed(
        task.map(({ name, course }) =>
          `${name} (${pointText(course.start)}, ${pointText(course.end)})`
        ),
      )
    } did not rise.`,
    evidence: [...gained, ...task].map(({ key, course: { start, end } }) =>
      `${key}: ${pointText(start)}, ${pointText(end)}`
    ).join("; "),
  }];
}

function riseText({ name, course: { start, end } }: TermCourse): string {
  return `${name} rose from ${round(start.value)} to ${round(end.value)}`;
}
