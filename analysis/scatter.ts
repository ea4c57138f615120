import type { Series } from "./readers/series.ts";
import { exponentOf, shifted } from "./scale.ts";
import { medianOf, noiseOf, reduced } from "./trend.ts";

/** How a score scatters about its course; training scores next to each other are often alike. */
export interface Scatter {
  /** The standard deviation of a score. */
  readonly deviation: number;
  /** So many neighbours tell as much as one independent score; 1 where they do not depend on each other. */
  readonly alike: number;
}

/** In each of so many parts of a log the course is taken as a line; one bend or drop leaves most of them as they are. */
const PARTS = 5;
/** Fewer scores do not tell a course from scatter that lasts: they are taken as independent. */
const FEWEST = 80;
/** A correlation below so many standard errors may be one of chance. */
const SURE = 1.645;
/** A median of n values varies by about so much more than their mean. */
const OF_MEDIAN = 1.25;
/** A larger correlation is not told from a course. */
const MOST = 0.9;
/** Medians of so many times as many scores as are alike hardly depend on each other … */
const APART = 2;
/** … but so many are kept, that they show a course. */
const FEWEST_KEPT = 16;

/**
 * How a score scatters about its course.
 *
 * @param differing The standard deviation by differences of neighbours.
 */
export function scatterOf(score: Series, differing = noiseOf(score)): Scatter {
  const correlation = correlationOf(score);
  const alike = alikeBy(correlation);
  return { deviation: deviationFrom(differing, alike), alike };
}

/** So many values in a row tell as much as one that stands alone, by the correlation of neighbours. */
export function alikeBy(correlation: number): number {
  return (1 + correlation) / (1 - correlation);
}

/** The standard deviation of a score from that by differences of neighbours, which differ by less where they are alike. */
export function deviationFrom(differing: number, alike: number): number {
  return differing * Math.sqrt((1 + alike) / 2);
}

/** The standard deviation of a median of so many neighbours. */
export function deviationOfMedian({ deviation, alike }: Scatter, count: number): number {
  return deviation * Math.min(1, OF_MEDIAN * Math.sqrt(alike / count));
}

/** So many independent scores make a point of a course, and so large a part of a log is the most. */
const [IN_A_POINT, LARGEST_PART] = [5, 0.2];

/** The least width of a running median that is to be of a few independent scores, odd; 1 where neighbours do not depend on each other. */
export function narrowestFor(score: Series): number {
  const { alike } = scatterOf(score);
  if (alike === 1) return 1;
  const most = Math.min(IN_A_POINT * alike, LARGEST_PART * score.values.length);
  return 2 * Math.floor(most / 2) + 1;
}

/** A score as medians of so many neighbours that they hardly depend on each other; itself where its values do not. */
export function nearlyIndependent(score: Series): Series {
  const { alike } = scatterOf(score);
  if (alike === 1) return score;
  return reduced(
    score,
    Math.max(FEWEST_KEPT, Math.floor(score.values.length / Math.ceil(APART * alike))),
  );
}

/** The correlation of neighbours about the course; 0 where it may be one of chance. */
function correlationOf({ values }: Series): number {
  const n = values.length;
  if (n < FEWEST) return 0;
  const unit = exponentOf(values);
  const found = medianOf(Array.from({ length: PARTS }, (_, i) => {
    const part = values.subarray(Math.floor(i * n / PARTS), Math.floor((i + 1) * n / PARTS));
    return correlationAboutLine(part.map((value) => shifted(value, -unit)));
  }));
  return found < SURE * OF_MEDIAN / Math.sqrt(n) ? 0 : Math.min(found, MOST);
}

/** The correlation of neighbours about a line by least squares, which makes it smaller: corrected for that. */
function correlationAboutLine(values: Float64Array): number {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value / n, 0);
  const at = (i: number) => i - (n - 1) / 2;
  const slope = 12 * values.reduce((sum, value, i) => sum + value * at(i), 0) / (n ** 3 - n);
  const rest = values.map((value, i) => value - mean - slope * at(i));
  const found = correlationOfNeighbours(rest);
  return found === undefined ? 0 : (found + 2 / n) / (1 - 4 / n);
}

/** The correlation of neighbours among what values are away from a course; undefined where they are on it. */
export function correlationOfNeighbours(rests: Float64Array): number | undefined {
  const product = (lag: number) =>
    rests.subarray(lag).reduce((sum, rest, i) => sum + rest * rests[i]!, 0);
  const squares = product(0);
  return squares === 0 ? undefined : product(1) / squares;
}
