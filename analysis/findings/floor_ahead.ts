import type { EntropyCourse } from "../entropy_course.ts";
import { flattening } from "../flattening.ts";
import type { Series } from "../readers/series.ts";
import { areWhole, stepText } from "../step_text.ts";
import { type Forecast, forecast, lastPart } from "../trend.ts";
import { round } from "./words.ts";

/** Entropy below this share of its start leaves nothing to explore with. */
const FLOOR = 0.1;
/** A forecast is made for so many times the run. */
const FURTHEST = 10;
/** A trend is looked for in at least so many values. */
const FEWEST_FOR_FORECAST = 8;

/** Whether the entropy is at its floor. */
export function isAtFloor({ start, end }: EntropyCourse): boolean {
  return end.value <= FLOOR * start.value;
}

/** When the entropy reaches its floor, by the last half of the run; undefined if it is there or does not fall. */
export function floorAhead(entropy: Series, course: EntropyCourse): FloorAhead | undefined {
  const level = FLOOR * course.start.value;
  if (entropy.values.length < FEWEST_FOR_FORECAST || isAtFloor(course)) return undefined;
  const part = lastPart(entropy, 0.5, FEWEST_FOR_FORECAST);
  const ahead = forecast(part, level);
  const flat = ahead && flattening(part, level);
  if (ahead === undefined) return undefined;
  const isWhole = areWhole(entropy.steps);
  if (flat === undefined) return { ...ahead, isWhole };
  const [low, high] = ahead.interval;
  return {
    ...ahead,
    isWhole,
    interval: [Math.min(low, flat.interval[0]), Math.max(high, flat.interval[1])],
    staysAbove: flat.staysAbove,
  };
}

/** When the entropy is at a tenth of its start, if its fall does not slow down; the interval allows that it does. */
export interface FloorAhead extends Forecast {
  /** Whether its steps are whole numbers, as those of the entropy are. */
  readonly isWhole: boolean;
  /** Whether it flattens before. */
  readonly staysAbove?: boolean;
}

/** How many times the run so far a forecast is away. */
export function runsAway({ start, end }: EntropyCourse, ahead: FloorAhead | undefined): number {
  return ahead === undefined || ahead.staysAbove
    ? Infinity
    : (ahead.step - end.step) / (end.step - start.step);
}

/** When the entropy reaches its floor, in a sentence. */
export function forecastText(course: EntropyCourse, ahead: FloorAhead): string {
  if (ahead.staysAbove) {
    return "It flattens: the curves with a floor that fit its last half stay above a tenth of its start.";
  }
  return runsAway(course, ahead) > FURTHEST
    ? `At this pace a tenth of its start is more than ${FURTHEST} times the run away.`
    : `At this pace it reaches a tenth of its start, ${
      round(FLOOR * course.start.value)
    } nats, at about step ${stepText(ahead.isWhole ? Math.ceil(ahead.step) : ahead.step)} (${
      rangeText(course, ahead)
    }, 95 %, if it may flatten; ${ahead.model} fit of the last half).`;
}

/** The ends of a forecast's interval, in whole steps where the run's are, not before the run's end. */
function rangeText({ end }: EntropyCourse, { interval, isWhole }: FloorAhead): string {
  const [low, high] = isWhole ? [Math.floor(interval[0]), Math.ceil(interval[1])] : interval;
  const from = stepText(Math.max(low, end.step));
  return Number.isFinite(high) ? `${from} to ${stepText(high)}` : `${from} or later or never`;
}
