/** Claims 1 to 12: what the paper says of entropy, performance and the law that ties them (Sec. 2). */
import { linearRegression, max, mean, min, rSquared, sampleCorrelation } from "simple-statistics";
import type { Claim, Criterion, Evidence } from "../../analysis/claims.ts";
import { compareOneLaw } from "../../analysis/one_law.ts";
import { FEWEST_PAIRS, fitCurve, fitLaw } from "../../analysis/law.ts";
import { tQuantile } from "../../analysis/mean_interval.ts";
import type { Pair } from "../../analysis/pairs.ts";
import { type Portion, predictFrom } from "../../analysis/prediction.ts";
import { compareRivals } from "../../analysis/rivals.ts";
import { ENTROPY } from "../courses.ts";
import { lawsBy } from "../lab_figure.ts";
import type { StudyLog } from "../study_log.ts";
import {
  againstBaseline,
  blocks,
  type ClaimLogs,
  dropped,
  eachModel,
  eachRun,
  endAccuracy,
  endEntropy,
  gained,
  lawOf,
  orNone,
  shareOf,
  single,
  sizeOf,
  spent,
  startEntropy,
} from "./log_numbers.ts";

type LawCriterion = Criterion<ClaimLogs>;

/** R² from which on a fit is called precise: what the paper calls so by eye. */
const PRECISE = 0.9;
/** A form is worse where its AICc is larger by more than this (Burnham & Anderson 2002). */
const WORSE = 2;

const isPrecise = (log: StudyLog) => (lawOf(log)?.r2 ?? 0) >= PRECISE;
const isIdentified = (log: StudyLog) => lawOf(log)?.identified ?? false;

/** What a share of the entropy is a share of. */
const ENTROPY_SHARES = {
  start: { whole: "entropy at the start", done: "spent", of: spent },
  drop: { whole: "drop of entropy", done: "done", of: dropped },
} as const;

/** Share of the way, of H and of R, within some part of training. */
function early(
  figure: string,
  part: {
    readonly share: number;
    readonly words: string;
    readonly entropy: keyof typeof ENTROPY_SHARES;
  },
  [entropy, gain]: readonly [
    Pick<LawCriterion, "paper" | "accept">,
    Pick<LawCriterion, "paper" | "accept">,
  ],
): LawCriterion[] {
  const { whole, done, of } = ENTROPY_SHARES[part.entropy];
  return [
    {
      quantity: `share of the ${whole} that is ${done} in the first ${part.words} of training`,
      ...entropy,
      unit: "%",
      measure: (logs) => eachModel(logs.of(figure), (log) => of(log, part.share)),
    },
    {
      quantity: `share of the gain that is made in the first ${part.words}`,
      ...gain,
      unit: "%",
      measure: (logs) => eachModel(logs.of(figure), (log) => gained(log, part.share)),
    },
  ];
}

/** How far the law of a portion of a run is from the rest. */
function predicted(
  task: string,
  of: Portion,
  part: "rmse" | "endError",
  most: number,
): LawCriterion {
  const where = part === "rmse" ? "over the predicted steps" : "at the last step";
  return {
    quantity: `${task}: error of the prediction ${where}, mean over models`,
    paper: `${(50 * most).toFixed(1)} %`,
    accept: [-Infinity, most],
    unit: "points",
    measure: (logs) =>
      eachModel(
        logs.of("fig5").filter(({ run }) => run.settings.task === task),
        (log) => Math.abs(orNone(() => predictFrom(log.pairs, of))?.[part] ?? NaN),
      ),
  };
}

function predictions(of: Portion): LawCriterion[] {
  return [
    // Twice what the paper has.
    predicted("math", of, "rmse", 0.018),
    predicted("code", of, "rmse", 0.024),
    predicted("math", of, "endError", 0.010),
    predicted("code", of, "endError", 0.038),
  ];
}

/** The ceilings of an algorithm's runs less those of GRPO, by seed; or the ratios of a. */
function againstGrpo(
  logs: ClaimLogs,
  algorithm: string,
  value: (log: StudyLog, grpo: StudyLog) => number,
): Evidence {
  const by = (name: string) => logs.of("fig6").filter(({ run }) => run.settings.algorithm === name);
  return againstBaseline(by(algorithm), by("grpo"), value);
}

const ALGORITHMS = [["rloo", "RLOO"], ["prime", "PRIME"], ["reinforce++", "REINFORCE++"]] as const;

/** The error of one law for all algorithms over that of a law for each. */
function oneCurve(logs: ClaimLogs): Evidence {
  const groups = Map.groupBy(logs.of("fig6"), ({ run }) => run.settings.algorithm);
  const pairs = [...groups.values()].map((own) => own.flatMap((log) => log.pairs));
  const value = orNone(() => {
    const errors = pairs.map((own) => fitLaw(own, { draws: 1 }).rmse ** 2 * own.length);
    const all = pairs.flat();
    const count = all.length;
    const apart = errors.reduce((sum, error) => sum + error, 0) / count;
    return fitLaw(all, { draws: 1 }).rmse / Math.sqrt(apart);
  });
  return single("all runs", value ?? NaN);
}

/** Whether algorithms differ by more than runs do: one law's error is mostly the misfit that all laws share. */
function dealtOut(logs: ClaimLogs): string[] {
  const laws = lawsBy(logs.of("fig6"), ({ run }) => run.settings.algorithm);
  if (laws.length < 2 || laws.some(({ fit }) => fit === undefined)) return [];
  const { p } = compareOneLaw(laws);
  if (p === undefined) return [];
  return [
    `The error of either is mostly the misfit that all laws share. By likelihood, when the algorithms are dealt out to the runs at random, one law is as much worse than one for each in ${
      (100 * p).toPrecision(1)
    } % of the deals.`,
  ];
}

/** a or b of each size, mean over seeds, from small to large. */
function coefficients(
  logs: ClaimLogs,
  task: string,
  name: "a" | "b",
): { size: number; value: number }[] {
  const own = logs.of("fig7").filter(({ run }) => run.settings.task === task);
  return [...Map.groupBy(own, sizeOf)]
    .map(([size, all]) => ({ size, value: mean(all.map((log) => lawOf(log)?.[name] ?? NaN)) }))
    .sort((left, right) => left.size - right.size);
}

function lineInSize(points: readonly { readonly size: number; readonly value: number }[]) {
  const all = points.map(({ size, value }) => [Math.log10(size), value]);
  const { m, b } = linearRegression(all);
  const at = (x: number) => b + m * x;
  return { at, r2: rSquared(all, at) };
}

const COEFFICIENTS = ["math", "code"].flatMap((task) =>
  (["a", "b"] as const).map((name) => ({ task, name }))
);

/** Points with which two slopes are fitted, at the least. */
const SLOPE_POINTS = 2 * FEWEST_PAIRS;

/** The pairs of a run outside of the lowest tenth of its range of exp(H), from high H to low. */
function steepPairs({ pairs }: StudyLog): Pair[] {
  const x = pairs.map(({ entropy }) => Math.exp(entropy));
  const bound = 0.9 * min(x) + 0.1 * max(x);
  return pairs.filter((_, i) => x[i]! > bound).sort((p, q) => q.entropy - p.entropy);
}

/** log2 of a in the lower half of the steep pairs over a in the upper half; NaN where one of them is not positive. */
function slopeRatio(log: StudyLog): number {
  const steep = steepPairs(log);
  const middle = Math.floor(steep.length / 2);
  const [high, low] = [steep.slice(0, middle), steep.slice(middle)].map((half) =>
    orNone(() => fitCurve(half).a) ?? NaN
  );
  return Math.log2(low!) - Math.log2(high!);
}

/** Whether a or b of a run lies outside of what another seed of some runs would have, in 95 % of cases. */
function differs(log: StudyLog, others: readonly StudyLog[]): boolean {
  // A law that its points do not tell is no other one.
  return isIdentified(log) && (["a", "b"] as const).some((name) => {
    const values = others.map((other) => lawOf(other)?.[name] ?? NaN);
    const middle = mean(values);
    const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) /
      (values.length - 1);
    const reach = tQuantile(values.length - 1) * Math.sqrt(variance * (1 + 1 / values.length));
    return Math.abs((lawOf(log)?.[name] ?? NaN) - middle) > reach;
  });
}

const PLAIN = ["fig3", "fig4"];

/** The claims of Sec. 2. */
export const LAW_CLAIMS: readonly Claim<ClaimLogs>[] = [
  {
    number: 1,
    place: "Sec. 2.3, Fig. 1 left",
    statement:
      "Without intervention, entropy falls sharply at first and then on to nearly 0, while validation accuracy rises and saturates with it, in all experiments.",
    paper: "no numbers",
    figures: ["fig1", ...PLAIN],
    readings: [{
      name: "",
      criteria: [
        {
          quantity: "runs whose H ends below 10 % of where it began",
          paper: "all",
          accept: [1, 1],
          unit: "%",
          measure: (logs) =>
            shareOf(
              logs.of("fig1", ...PLAIN),
              (log) => endEntropy(log) < 0.1 * startEntropy(log),
            ),
        },
        {
          quantity:
            "runs whose H, in means over twelfths of training, never rises by more than 2 % of its start",
          paper: "all",
          accept: [1, 1],
          unit: "%",
          measure: (logs) =>
            shareOf(logs.of("fig1", ...PLAIN), (log) => {
              const means = blocks(ENTROPY(log), log.run.settings.steps, 12)
                .filter((value) => value !== undefined);
              const most = 0.02 * startEntropy(log);
              return means.every((value, i) => i === 0 || value - means[i - 1]! <= most);
            }),
        },
        {
          quantity:
            "runs whose R rises, with at most 10 % of the gain in the last third of training",
          paper: "all",
          accept: [1, 1],
          unit: "%",
          measure: (logs) =>
            shareOf(
              logs.of("fig1", ...PLAIN),
              (log) => endAccuracy(log) > log.pairs[0]!.score && gained(log, 2 / 3) >= 0.9,
            ),
        },
        {
          quantity: "linear correlation of H and R in a run, mean over runs",
          paper: "they move together",
          accept: [-Infinity, -0.8],
          unit: "",
          decisive: true,
          measure: (logs) =>
            eachRun(logs.of("fig1", ...PLAIN), ({ pairs }) =>
              sampleCorrelation(
                pairs.map(({ entropy }) => entropy),
                pairs.map(({ score }) => score),
              )),
        },
      ],
    }],
  },
  {
    number: 2,
    place: "Fig. 1, caption and drawing",
    statement: "More than 95 % of the drop of entropy and of the gain come early.",
    paper: "95 % and 95 %, then 5 % and 5 %; how early is not said, and Fig. 2 has other numbers",
    figures: ["fig1"],
    readings: [
      { words: "twelfth", share: 1 / 12 },
      { words: "third", share: 1 / 3 },
    ].map((part) => ({
      name: `“early” is the first ${part.words}`,
      criteria: early("fig1", { ...part, entropy: "drop" }, [
        { paper: "over 95 %", accept: [0.95, Infinity] },
        { paper: "over 95 %", accept: [0.95, Infinity] },
      ]),
    })),
  },
  {
    number: 3,
    place: "Sec. 2.3, Fig. 2",
    statement:
      "In the mean of 11 models, 73 % of the entropy and 76 % of the gain go in the first 200 of 2,400 updates, 94 % and over 93 % in the first 800.",
    paper: "73 %, 76 %; 94 %, over 93 %",
    figures: ["fig2"],
    // The picture has what is left of the entropy, 27 and 6 %; where it ends near 0 both are the same.
    readings: (["start", "drop"] as const).map((entropy) => ({
      name: `a share of the ${ENTROPY_SHARES[entropy].whole}`,
      criteria: [
        ...early("fig2", { words: "twelfth", share: 1 / 12, entropy }, [
          { paper: "73 %", accept: [0.63, 0.83] },
          { paper: "76 %", accept: [0.66, 0.86] },
        ]),
        ...early("fig2", { words: "third", share: 1 / 3, entropy }, [
          { paper: "94 %", accept: [0.89, 0.99] },
          { paper: "over 93 %", accept: [0.88, 1.05] },
        ]),
      ],
    })),
  },
  {
    number: 4,
    place: "Sec. 2.4, Eq. 6, Figs. 3 and 4",
    statement:
      "R = −a·exp(H) + b fits the curves of all sizes, families and tasks precisely with two coefficients.",
    paper: "“precisely”; no R², no interval, no rival form",
    figures: PLAIN,
    readings: [{
      name: "",
      criteria: [
        ...([["math", "fig3"], ["code", "fig4"]] as const).flatMap(([task, figure]) => [
          {
            quantity: `${task}: R² of the law, mean over models`,
            paper: "“precisely”",
            accept: [PRECISE, Infinity] as const,
            unit: "" as const,
            decisive: task === "math",
            measure: (logs: ClaimLogs) => eachModel(logs.of(figure), (log) => lawOf(log)?.r2 ?? 0),
          },
          {
            quantity: `${task}: runs whose points identify a and b`,
            paper: "all",
            accept: [0.9, Infinity] as const,
            unit: "%" as const,
            measure: (logs: ClaimLogs) => shareOf(logs.of(figure), isIdentified),
          },
        ]),
        {
          quantity:
            "runs that neither a straight line, a parabola nor a power of H fits better (by more than 2 of AICc)",
          paper: "not tried",
          accept: [0.5, Infinity],
          unit: "%",
          measure: (logs) =>
            shareOf(logs.of(...PLAIN), ({ pairs }) => {
              const forms = orNone(() => compareRivals(pairs)) ?? [];
              const inEntropy = forms.filter(({ model }) => model !== "sigmoid");
              const law = forms.find(({ model }) => model === "law")?.aicc ?? Infinity;
              return inEntropy.length > 0 &&
                inEntropy.every(({ aicc }) => law <= (aicc ?? Infinity) + WORSE);
            }),
        },
      ],
    }],
  },
  {
    number: 5,
    place: "Sec. 2.4",
    statement: "The ceiling of performance, at H = 0, is −a + b and so fully predictable.",
    paper: "“fully predictable”; no numbers",
    figures: PLAIN,
    readings: [{
      name: "",
      criteria: [
        {
          quantity: "distance of b − a of the whole run from R at its end, mean over models",
          paper: "0",
          accept: [-Infinity, 0.02],
          unit: "points",
          measure: (logs) =>
            eachModel(
              logs.of(...PLAIN),
              (log) => Math.abs((lawOf(log)?.ceiling ?? NaN) - endAccuracy(log)),
            ),
        },
        {
          quantity:
            "distance of b − a of the first 15 % of a run from R at its end, mean over models",
          paper: "predictable",
          accept: [-Infinity, 0.02],
          unit: "points",
          decisive: true,
          measure: (logs) =>
            eachModel(logs.of(...PLAIN), (log) => {
              const first = orNone(() => predictFrom(log.pairs, { fraction: 0.15 }));
              return Math.abs((first?.ceiling ?? NaN) - endAccuracy(log));
            }),
        },
      ],
    }],
  },
  {
    number: 6,
    place: "Sec. 2.4, Fig. 5",
    statement:
      "The law of the first 36 steps (15 %) predicts the next 200 of Qwen2.5 1.5B to 32B to about 1 %.",
    paper:
      "RMSE 0.9 % (math), 1.2 % (code); at the last step 0.5 %, 1.9 %; what a step is, is not said",
    figures: ["fig5"],
    readings: [
      { name: "the first 15 % of training", criteria: predictions({ fraction: 0.15 }) },
      { name: "the first 36 rollouts", criteria: predictions({ steps: 36 }) },
    ],
  },
  {
    number: 7,
    place: "Sec. 2.5, Fig. 6",
    statement:
      "a and b do not depend on the algorithm: GRPO, RLOO, PRIME and REINFORCE++ lie on one curve.",
    paper: "seen in the picture; no numbers",
    figures: ["fig6"],
    readings: [{
      name: "",
      criteria: [
        {
          quantity: "error of one law for all algorithms over that of a law for each",
          paper: "1×",
          accept: [-Infinity, 1.1],
          unit: "×",
          decisive: true,
          measure: oneCurve,
        },
        ...ALGORITHMS.flatMap(([algorithm, name]): LawCriterion[] => [
          {
            quantity: `${name}: ceiling less GRPO's of the same seed`,
            paper: "0",
            accept: [-0.02, 0.02],
            unit: "points",
            measure: (logs) =>
              againstGrpo(
                logs,
                algorithm,
                (log, grpo) => (lawOf(log)?.ceiling ?? NaN) - (lawOf(grpo)?.ceiling ?? NaN),
              ),
          },
          {
            quantity: `${name}: a over GRPO's of the same seed`,
            paper: "1×",
            accept: [0.8, 1.25],
            unit: "×",
            measure: (logs) =>
              againstGrpo(
                logs,
                algorithm,
                (log, grpo) => (lawOf(log)?.a ?? NaN) / (lawOf(grpo)?.a ?? NaN),
              ),
          },
        ]),
      ],
    }],
    scale: dealtOut,
  },
  {
    number: 8,
    place: "Sec. 2.5, Fig. 7",
    statement:
      "a and b are linear in the logarithm of the model's size, so those of a larger model can be told from smaller ones.",
    paper: "seen in the picture; no error of such a prediction",
    figures: ["fig7"],
    readings: [{
      name: "",
      criteria: [
        ...COEFFICIENTS.map(({ task, name }): LawCriterion => ({
          quantity: `${task}: R² of ${name} as a line in log size, five sizes`,
          paper: "a line",
          accept: [PRECISE, Infinity],
          unit: "",
          measure: (logs) => single("five sizes", lineInSize(coefficients(logs, task, name)).r2),
        })),
        ...COEFFICIENTS.map(({ task, name }): LawCriterion => ({
          quantity: `${task}: ${name} of 32B as told from the four smaller, over its own`,
          paper: "1×",
          accept: [0.9, 1.1],
          unit: "×",
          measure: (logs) => {
            const points = coefficients(logs, task, name);
            const largest = points.at(-1)!;
            const told = lineInSize(points.slice(0, -1)).at(Math.log10(largest.size));
            return single("32B", told / largest.value);
          },
        })),
      ],
    }],
  },
  {
    number: 9,
    place: "Sec. 2.5",
    statement:
      "dR/dH = −a·exp(H), so a is the rate at which entropy is turned into performance, the same at any entropy.",
    paper: "follows from Eq. 6; no numbers",
    figures: PLAIN,
    readings: [{
      name: "",
      criteria: [{
        quantity:
          "log2 of a in the lower half of the points where H still falls over a in the upper half, mean over models",
        paper: "0",
        accept: [-1, 1],
        unit: "",
        measure: (logs) => {
          const runs = logs.of(...PLAIN);
          const long = runs.filter((log) => steepPairs(log).length >= SLOPE_POINTS);
          const most = max(runs.map((log) => steepPairs(log).length));
          return long.length > 0 ? eachModel(long, slopeRatio) : {
            untestable:
              `no run has ${SLOPE_POINTS} validations while H falls, the most are ${most}`,
          };
        },
      }],
    }],
  },
  {
    number: 10,
    place: "Appendix, Fig. 13",
    statement: "a and b change with the training data.",
    paper: "seen in the picture, four training sets",
    figures: ["fig1", "fig13"],
    readings: [{
      name: "",
      criteria: [{
        quantity:
          "other mixtures of which a or b lies outside the 95 % prediction interval of the standard one's seeds",
        paper: "all",
        accept: [2 / 3, Infinity],
        unit: "%",
        measure: (logs) => {
          const mixed = logs.of("fig13").filter(({ run }) => run.settings.mixture !== "standard");
          const { model, task } = mixed[0]!.run.settings;
          const standard = logs.of("fig1").filter(({ run: { settings } }) =>
            settings.model === model && settings.task === task && settings.mixture === "standard"
          );
          return shareOf(mixed, (log) => differs(log, standard));
        },
      }],
    }],
  },
  {
    number: 11,
    place: "Appendix, Fig. 14",
    statement: "The law also fits instruct models.",
    paper: "seen in the picture, three sizes",
    figures: ["fig14"],
    readings: [{
      name: "",
      criteria: [
        {
          quantity: "R² of the law, mean over models",
          paper: "“fits”",
          accept: [PRECISE, Infinity],
          unit: "",
          measure: (logs) =>
            eachModel(
              logs.of("fig14").filter(({ run }) => run.settings.instruct),
              (log) => lawOf(log)?.r2 ?? 0,
            ),
        },
        {
          quantity: "runs whose points identify a and b",
          paper: "all",
          accept: [1, 1],
          unit: "%",
          measure: (logs) =>
            shareOf(logs.of("fig14").filter(({ run }) => run.settings.instruct), isIdentified),
        },
      ],
    }],
  },
  {
    number: 12,
    place: "Sec. 2.6",
    statement:
      "The authors' own limit: that performance can be predicted from entropy is not universal.",
    paper:
      "other policies and off-policy data behave otherwise in others' work, of which the study has no run",
    figures: PLAIN,
    readings: [{
      name: "",
      criteria: [{
        quantity:
          `runs without intervention whose points do not identify the law, or whose R² is below ${PRECISE}`,
        paper: "there are such",
        accept: [0.01, Infinity],
        unit: "%",
        measure: (logs) =>
          shareOf(logs.of(...PLAIN), (log) => !isIdentified(log) || !isPrecise(log)),
      }],
    }],
  },
];
