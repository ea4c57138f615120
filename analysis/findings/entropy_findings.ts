import { counted } from "../../formats/counted.ts";
import type { EntropyCourse } from "../entropy_course.ts";
import type { Finding, Severity } from "../finding.ts";
import { isOver, type RecentGain } from "../gain.ts";
import { lostSince } from "../lost.ts";
import type { Overview } from "../overview.ts";
import type { Series } from "../readers/series.ts";
import { stepText } from "../step_text.ts";
import { risenText, risesWithScore } from "./entropy_that_pays.ts";
import { buysText } from "./buys_text.ts";
import { jumpFinding, spikeFinding } from "./entropy_breaks.ts";
import { courseText, pointsText } from "./entropy_course_text.ts";
import { spentFinding } from "./entropy_spent.ts";
import { type FloorAhead, floorAhead, forecastText, isAtFloor, runsAway } from "./floor_ahead.ts";
import { CANNOT_TELL } from "./words.ts";

/** What became of the entropy, whether its fall still buys score, and when it will be spent. */
export function entropyFindings(overview: Overview): Finding[] {
  const { run, entropy: course, gain } = overview;
  const { entropy } = run;
  if (entropy === undefined || course === undefined) {
    return [{
      topic: "entropy course",
      severity: "unknown",
      finding: `${CANNOT_TELL}.`,
      evidence: entropy === undefined
        ? "no policy entropy"
        : entropy.values.length < 2
        ? "fewer than two values of the entropy"
        : "the entropy does not start above 0, so no share of it can be told",
    }];
  }
  const below = entropy.values.filter((value) => value < 0).length;
  if (below > 0) {
    return [{
      topic: "entropy course",
      severity: "unknown",
      finding: `${CANNOT_TELL}: ${counted(below, "value")} of ${entropy.key} ${
        below === 1 ? "is" : "are"
      } below 0, as no entropy is, so no share of it can be told.`,
      evidence: pointsText(course),
    }];
  }
  const lost = lostSince(run, entropy.key);
  if (lost !== undefined) {
    return [lostFinding(course, entropy, lost), spentFinding(course, overview)];
  }
  const ahead = floorAhead(entropy, course);
  const pays = risesWithScore(overview);
  const isFalling = isAtFloor(course) || isDown(course) || runsAway(course, ahead) <= 1;
  return [
    {
      topic: "entropy course",
      severity: pays
        ? "notice"
        : overview.isSolved || overview.parted !== undefined
        ? milder(severityOf(course, ahead, gain), course)
        : severityOf(course, ahead, gain),
      finding: [
        pays ? risenText(overview) : `${courseText(course, entropy)}.`,
        ...(isFalling ? [buysText(overview)] : []),
        ...(isFalling && ahead !== undefined ? [forecastText(course, ahead)] : []),
      ].join(" "),
      evidence: pointsText(course),
      marks: course.course === "collapse, then surge"
        ? [{ step: course.trough.step, label: "lowest H" }]
        : [],
    },
    spentFinding(course, overview),
    ...jumpFinding(entropy),
    ...spikeFinding(run),
  ];
}

/** The course of an entropy that is not finite any more: nothing is forecast from it. */
function lostFinding(course: EntropyCourse, entropy: Series, lost: number): Finding {
  return {
    topic: "entropy course",
    severity: "notice",
    finding: `until step ${stepText(entropy.steps.at(-1)!)}, ${
      courseText(course, entropy)
    }. It is no finite number from step ${
      stepText(lost)
    } on, so nothing can be said of where it goes.`,
    evidence: pointsText(course),
  };
}

function severityOf(
  course: EntropyCourse,
  ahead: FloorAhead | undefined,
  gain: RecentGain | undefined,
): Severity {
  if (course.course === "explosion" || course.course === "collapse, then surge") return "problem";
  if (isAtFloor(course)) return gain?.rises ? "notice" : "problem";
  // Where the scores do not tell, nothing is known to be wasted.
  const isWasted = gain !== undefined && isOver(gain);
  const runs = runsAway(course, ahead);
  if (runs <= 0.25) return isWasted ? "problem" : "notice";
  const isFalling = ahead !== undefined && (runs <= 1 || isDown(course));
  const isWell = course.course === "collapse" ? "notice" : "fine";
  const isMostLeft = course.end.value >= 0.5 * course.start.value;
  if (isFalling) return gain?.rises ? isWell : isWasted && !isMostLeft ? "problem" : "notice";
  if (course.course === "stable") return "fine";
  return course.course === "decline" && gain?.rises !== false ? "fine" : "notice";
}

function isDown({ course }: EntropyCourse): boolean {
  return course === "collapse" || course === "decline";
}

/** A collapse that costs nothing any more, or nobody can tell what, is none; one that went wild is what it is. */
function milder(severity: Severity, { course }: EntropyCourse): Severity {
  const isWild = course === "explosion" || course === "collapse, then surge";
  return severity === "problem" && !isWild ? "notice" : severity;
}
