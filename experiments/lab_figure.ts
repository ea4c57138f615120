import { chiSquaredDistributionTable } from "simple-statistics";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { counted } from "../formats/counted.ts";
import { fitRuns, type FittedRuns } from "../analysis/fit_runs.ts";
import { compareOneLaw } from "../analysis/one_law.ts";
import { fixed } from "../formats/minus.ts";
import type { StudyLog, StudyLogs } from "./study_log.ts";

/** What every figure from our own logs says of its source. */
const LAB_SOURCE =
  "raw logs of our own runs at 1 : 100,000 of the parameters, in results/logs; each begins with its settings, and deno task study makes it";

/** Values that a χ² exceeds, by its degrees of freedom and the probability. */
const CHI_SQUARED: Readonly<Record<number, { readonly 0.05: number }>> =
  chiSquaredDistributionTable;

/** How R is measured in our own logs, for captions. */
export const LAB_ACCURACY =
  "Test accuracy is the mean over the five benchmarks by the paper's protocol.";

/** A figure from the logs of the study: its caption says how many seeds it shows, and which runs are missing. */
export function labFigure(
  study: StudyLogs,
  figure: Omit<Figure, "source" | "runs">,
): Figure {
  const caption = [figure.caption, describeSeeds(study), describeMissing(study)];
  return {
    ...figure,
    caption: caption.filter((sentence) => sentence !== "").join(" "),
    source: LAB_SOURCE,
    runs: study.logs.map(({ run }) => run.name),
  };
}

/** How many seeds each kind of run has. */
function describeSeeds({ logs }: StudyLogs): string {
  const kinds = Map.groupBy(logs, ({ run }) => run.name.replace(/\.seed\d+/, ""));
  const counts = Map.groupBy(kinds, ([, own]) => own.length);
  if (counts.size === 1) {
    const [count] = counts.keys();
    return kinds.size === 1
      ? count === 1 ? "One run, of one seed." : `One kind of run, ${count} seeds.`
      : `${count === 1 ? "One seed" : `${count} seeds`} each.`;
  }
  const [most, ...others] = [...counts].sort(([, a], [, b]) => b.length - a.length);
  const named = others.map(([count, own]) =>
    `${counted(count, "seed")} of ${own.map(([name]) => name).join(", ")}`
  );
  return `${named.join("; ")}; ${counted(most![0], "seed")} of each other run.`;
}

function describeMissing({ logs, missing }: StudyLogs): string {
  if (missing.length === 0) return "";
  return `The study is not finished: ${missing.length} of ${
    counted(logs.length + missing.length, "run")
  } of this figure ${missing.length === 1 ? "is" : "are"} missing (${
    missing.map(({ name }) => name).join(", ")
  }).`;
}

/** One law for each kind of runs, in the order in which they come. */
export function lawsBy(
  logs: readonly StudyLog[],
  nameOf: (log: StudyLog) => string,
): FittedRuns[] {
  return Array.from(
    Map.groupBy(logs, nameOf),
    ([name, own]) => fitRuns(name, own.map(({ run, pairs }) => ({ run: run.name, pairs }))),
  );
}

/** The law of some runs in numbers. */
export function measureLaw({ name, fit, because }: FittedRuns): Measurement[] {
  if (fit === undefined) return [{ quantity: `${name}: a, b`, measured: `no fit: ${because}` }];
  const within = (value: number, [low, high]: readonly [number, number]) =>
    `${fixed(value, 4)} [${fixed(low, 4)}, ${fixed(high, 4)}]`;
  if (!fit.identified) {
    return [{
      quantity: `${name}: a, b`,
      measured: `not identified: ${because} (a ${within(fit.a, fit.interval.a)})`,
    }];
  }
  return [
    {
      quantity: `${name}: a, b`,
      measured: `${within(fit.a, fit.interval.a)}, ${within(fit.b, fit.interval.b)}`,
    },
    {
      quantity: `${name}: ceiling b − a; R²; RMSE (points); pairs`,
      measured: `${within(fit.ceiling, fit.interval.ceiling)}; ${fixed(fit.r2, 3)}; ${
        (100 * fit.rmse).toFixed(2)
      }; ${fit.n}`,
    },
  ];
}

/**
 * Whether kinds of runs share one law.
 *
 * @param kinds What they are, in the plural.
 * @param paper What the paper says.
 */
export function measureOneLaw(
  kinds: string,
  laws: readonly FittedRuns[],
  paper: string,
): Measurement[] {
  if (laws.length < 2 || laws.some(({ fit }) => fit === undefined)) return [];
  const { likelihoodRatio, degreesOfFreedom, p, largestDifference } = compareOneLaw(laws);
  const joint = fitRuns("", laws.flatMap(({ runs }) => runs)).fit!;
  const holding = (name: "a" | "b") =>
    laws.filter(({ fit }) =>
      fit!.interval[name][0] <= joint[name] && joint[name] <= fit!.interval[name][1]
    ).length;
  const critical = CHI_SQUARED[degreesOfFreedom]![0.05];
  return [{
    quantity: `do all ${kinds} share one law? likelihood ratio of ${laws.length} laws against one`,
    paper,
    measured: `2 ln Λ = ${
      likelihoodRatio.toFixed(1)
    } for ${degreesOfFreedom} coefficients more (χ² of independent errors: 5 % beyond ${
      critical.toFixed(1)
    }); ${
      p === undefined
        ? "one run of each, so no test that knows how runs differ"
        : `p = ${p.toPrecision(2)} when the ${kinds} are dealt out to the runs at random`
    }`,
  }, {
    quantity: `${kinds} whose own 95 % interval holds the a, and the b, of one law for all`,
    measured: `${holding("a")} and ${holding("b")} of ${laws.length}`,
  }, {
    quantity:
      `largest difference between the laws of two ${kinds}, over entropies that all have (points)`,
    measured: (100 * largestDifference).toFixed(2),
  }];
}
