import { changes } from "./changed.ts";
import { surePlateau } from "./late_plateau.ts";
import { isWithoutGain, type Plateau } from "./plateau.ts";
import type { Run, ScoreSeries } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import { type RecentRise, recentRise } from "./recent_rise.ts";
import { nearlyIndependent } from "./scatter.ts";
import { lastPart, medianOf, trendOf } from "./trend.ts";
import { undisturbed } from "./undisturbed.ts";

/** Whether the score rises in the last half of a run, or since its plateau began. */
export interface RecentGain {
  /** Whether it does, by its trend; never on a plateau or of a score that scatters about one level, where a trend is one of chance. */
  readonly rises: boolean;
  /** Whether there is a trend, of less than a twentieth of the whole gain, so that it counts for none. */
  readonly isSlight: boolean;
  /**
   * Why it does not: it `fell`; it is `flat` on a plateau; it was so in the whole log (`never`); it `stopped` on a
   * plateau after it rose in the last half by about what the law expects; it rises by `less` than half of what the law expects of the entropy
   * spent; `open`: its scores do not tell. Undefined where it rises.
   */
  readonly why: "fell" | "flat" | "never" | "stopped" | "less" | "open" | undefined;
  /** What it rose by since then: 90 % interval in units of R, and what the law expects. */
  readonly rise: RecentRise;
  /** Which score it is. */
  readonly kind: ScoreSeries["kind"];
  /** The first step that was looked at. */
  readonly since: number;
  /** How many scores were looked at. */
  readonly count: number;
}

/** Whether a score is known to gain no more; one that does not tell, or that stopped late in a rise, may. */
export function isOver({ rises, why }: RecentGain): boolean {
  return !rises && why !== "open" && why !== "stopped";
}

/** The 95th percentile of the standard normal distribution: whether it falls is not asked. */
const RISES = 1.645;
/** A trend is looked for in at least so many scores; validations are often too few. */
const FEWEST = 8;
/** A rise by less than this share of the whole gain is hardly one. */
const SLIGHT = 0.05;
/** A score that may have risen by this share of what the law expects may still be bought. */
const NEAR = 0.5;

/**
 * Whether a run still gains: by the last half of its scores, or those since its plateau began. The training
 * score is asked where the other has fewer than 8, or where the other does not tell, but for the law, and it
 * rises. Undefined if neither has as many.
 *
 * @param plateau That of the run's score, by {@linkcode surePlateau}.
 * @param until The last step that is looked at, by default that of the log.
 */
export function recentGain(
  { score, trainingScore, entropy }: Run,
  plateau: Plateau | undefined,
  until = Infinity,
): RecentGain | undefined {
  const gains = [score, trainingScore].flatMap((one) => {
    const series = one && upTo(one, until);
    if (series === undefined || series.values.length < FEWEST) return [];
    const isWhole = one === score && series.values.length === one!.values.length;
    const found = isWhole ? plateau : surePlateau(series);
    const told = found?.fall === undefined ? undisturbed(series) : series;
    return told.values.length < FEWEST ? [] : [gainOf({ ...one!, ...told }, found, entropy)];
  });
  const [first, other] = gains;
  const isOpen = first?.why === "open" || first?.why === "less";
  return isOpen && other?.rises ? other : first;
}

function gainOf(
  score: ScoreSeries,
  plateau: Plateau | undefined,
  entropy: Series | undefined,
): RecentGain {
  const { steps, values, kind } = score;
  const half = values.length - lastPart(score, 0.5, FEWEST).values.length;
  const at = plateau === undefined ? -1 : steps.findIndex((step) => step >= plateau.since.step);
  const from = at < 0 ? half : at;
  // A plateau is the flattest of many ends of the log, so a late one is not held to the law alone.
  const held = Math.min(from, half);
  const rise = recentRise(score, held, entropy);
  const independent = nearlyIndependent(score);
  const hasTrend = plateau === undefined && changes(independent) &&
    (trendOf(lastPart(independent, 0.5, FEWEST)).z > RISES || rise.interval[0] > 0);
  const isSlight = hasTrend && wholeGain(score) > 0 &&
    rise.interval[1] < SLIGHT * wholeGain(score);
  const rises = hasTrend && !isSlight;
  const isNear = rise.interval[1] >= NEAR * (rise.expected ?? Infinity);
  const why = rises
    ? undefined
    : plateau === undefined
    ? isSlight || (rise.isLess && !isNear) ? "less" : "open"
    : plateau.fall !== undefined
    ? "fell"
    : isWithoutGain(plateau)
    ? "never"
    : rise.interval[0] > 0 && rise.interval[1] >= SLIGHT * wholeGain(score) &&
        (isNear || rise.expected === undefined)
    ? "stopped"
    // Where the scatter hides what the law expects, entropy may still be worth what it was.
    : isNear && rise.expected! > SLIGHT * wholeGain(score)
    ? "open"
    : "flat";
  const first = why === "open" || why === "stopped" ? held : from;
  return {
    rises,
    isSlight,
    why,
    rise,
    kind,
    since: steps[first]!,
    count: values.length - first,
  };
}

/** Values at either end of which the median is taken. */
export const END_VALUES = 5;

function wholeGain({ values }: Series): number {
  return medianOf(values.subarray(-END_VALUES)) - medianOf(values.subarray(0, END_VALUES));
}

/** What of the whole change of a series was made since a step; not finite where it did not change. */
export function shareSince({ steps, values }: Series, since: number): number {
  const at = Math.max(0, steps.findIndex((step) => step >= since));
  const [start, then, now] = [
    values.subarray(0, END_VALUES),
    values.subarray(at, at + END_VALUES),
    values.subarray(-END_VALUES),
  ].map(medianOf);
  return (now! - then!) / (now! - start!);
}

function upTo({ steps, values }: Series, until: number): Series {
  const count = steps.findLastIndex((step) => step <= until) + 1;
  return { steps: steps.subarray(0, count), values: values.subarray(0, count) };
}
