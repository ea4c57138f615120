import { correlate } from "../dynamics.ts";
import type { Overview } from "../overview.ts";
import { companionOf } from "../readers/companions.ts";
import type { Series } from "../readers/series.ts";
import { headOf, medianOf, tailOf, trendOf } from "../trend.ts";
import type { Alarm } from "./alarm.ts";
import { percent, round } from "./words.ts";

/** Responses that grew by this share are worth a look. */
const GREW = 0.5;
/** Responses that shrank to less than this share are a problem. */
const SHRANK = 0.5;
/** Where so many responses were cut off at the start, shorter ones may be what was wanted. */
const MANY_CUT_OFF = 0.1;
/** A score that goes with the length has a rank correlation of at least this. */
const TOGETHER = 0.6;
/** The validation score earns its length with a gain of at least this share of the length's. */
const EARNED = 0.25;
/** Fewer validations tell nothing. */
const FEWEST = 4;

/** What is worth a word about the length of the responses. */
export function lengthAlarm(series: Series, { run }: Overview): Alarm | undefined {
  const { score, trainingScore } = run;
  const [start, end] = [headOf(series), tailOf(series)];
  if (!(start > 0)) return undefined;
  if (end < SHRANK * start) {
    const text = `responses are ${percent(end / start)} as long as at the start`;
    const cut = companionOf(run, "truncated responses")?.series;
    const [before, now] = cut === undefined ? [0, 0] : [headOf(cut), tailOf(cut)];
    return before >= MANY_CUT_OFF && now < before / 2
      ? {
        severity: "notice",
        text: `${text}, and of ${percent(before)} that were cut off then ${percent(now)} still are`,
      }
      : { severity: "problem", text };
  }
  const growth = end / start - 1;
  if (growth < GREW) return undefined;
  const grew = `responses grew by ${percent(growth)}`;
  const validation = score?.kind === "validation" && score.values.length >= FEWEST
    ? score
    : undefined;
  const rank = trainingScore === undefined ? undefined : correlate(series, trainingScore)?.rank;
  const isTogether = rank !== undefined && rank >= TOGETHER;
  if (validation === undefined) {
    return {
      severity: "notice",
      text: isTogether
        ? `${grew} together with the training score (rank correlation ${
          round(rank, 2)
        }), and no validation tells whether that is learning or padding`
        : grew,
    };
  }
  const gain = gainOf(validation);
  const isEarned = trendOf(validation).direction === "up" && gain >= EARNED * growth;
  if (isEarned) return undefined;
  return {
    severity: isTogether ? "problem" : "notice",
    text: `${grew}${
      isTogether ? ` together with the training score (rank correlation ${round(rank, 2)})` : ""
    }, but the validation score ${gain > 0 ? `by ${percent(gain)} only` : "did not grow"}${
      isTogether ? ": length is being rewarded" : ""
    }`,
  };
}

/** The relative gain of a score from its first quarter to its last. */
function gainOf({ values }: Series): number {
  const count = Math.max(1, Math.floor(values.length / 4));
  const [start, end] = [values.subarray(0, count), values.subarray(-count)].map(medianOf);
  return start === 0 ? (end! > 0 ? Infinity : 0) : (end! - start!) / Math.abs(start!);
}
