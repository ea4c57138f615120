import { lastAt } from "../course.ts";
import type { EntropyCourse } from "../entropy_course.ts";
import type { Series } from "../readers/series.ts";
import { stepText } from "../step_text.ts";
import { percent, pointText, round } from "./words.ts";

/** What became of the entropy, as a sentence without its end. */
export function courseText(course: EntropyCourse, entropy: Series): string {
  const { start, trough, peak, end } = course;
  const left = percent(end.value / start.value);
  switch (course.course) {
    case "collapse":
      return `the entropy collapsed: ${left} of its start is left`;
    case "collapse, then surge":
      return `the entropy collapsed to ${
        percent(trough.value / start.value)
      } of its start, and after step ${
        stepText(lastAt("trough", entropy, course))
      } it surged to ${left}`;
    case "decline":
      return `the entropy declined, but did not collapse: ${left} of its start is left`;
    case "stable":
      return `the entropy is stable: it ends at ${left} of its start`;
    case "rise":
      return `the entropy rose to ${left} of its start`;
    case "explosion":
      return `the entropy exploded: it ends at ${left} of its start`;
    case "oscillation":
      return `the entropy oscillates between ${round(trough.value)} and ${
        round(peak.value)
      } nats; it ends at ${left} of its start`;
    case "rise, then fall":
      return `the entropy rose to ${round(peak.value)} nats at step ${
        stepText(peak.step)
      } and fell again; it ends at ${left} of its start`;
    case "fall, then rise":
      return `the entropy fell to ${round(trough.value)} nats at step ${
        stepText(trough.step)
      } and rose again; it ends at ${left} of its start`;
  }
}

/** The points of an entropy's course, as evidence. */
export function pointsText({ start, trough, peak, end, width }: EntropyCourse): string {
  return `nats: ${pointText(start)}, lowest ${pointText(trough)}, highest ${pointText(peak)}, ${
    pointText(end)
  }${width > 1 ? ` (ends: medians of 3; between: running median of ${width})` : ""}`;
}
