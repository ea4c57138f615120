/** Claims 19 to 28: what interventions do to entropy and performance (Sec. 4). */
import { max, mean, sampleRankCorrelation, standardDeviation } from "simple-statistics";
import type { Claim, Criterion, Evidence } from "../../analysis/claims.ts";
import type { Interval } from "../../analysis/interval.ts";
import { meanInterval } from "../../analysis/mean_interval.ts";
import { paperRows } from "../../analysis/paper_data.ts";
import { fixed } from "../../formats/minus.ts";
import {
  ENTROPY,
  freedCovariance,
  LENGTH,
  logged,
  plateau,
  shareOfTokens,
  total,
} from "../courses.ts";
import type { TrainSettings } from "../lab/train_settings.ts";
import type { StudyLog } from "../study_log.ts";
import {
  accuracyOf,
  after,
  againstBaseline,
  bestOf,
  type ClaimLogs,
  eachRun,
  lawOf,
  rankCorrelation,
  single,
  startEntropy,
} from "./log_numbers.ts";

type InterventionCriterion = Criterion<ClaimLogs>;

const SMALL_MODEL = "qwen2.5-7b";
const LARGE_MODEL = "qwen2.5-32b";
const SIZES = [[SMALL_MODEL, "7B"], [LARGE_MODEL, "32B"]] as const;

/** The PPO range that the authors gave GRPO. */
const EPSILON = 0.2;

const isGrpo = ({ intervention, algorithm, clipHigh }: TrainSettings) =>
  intervention === "none" && algorithm === "grpo" && clipHigh === EPSILON;

function where(
  logs: readonly StudyLog[],
  fits: (settings: TrainSettings) => boolean,
): StudyLog[] {
  return logs.filter(({ run }) => fits(run.settings));
}

function runsUnder(
  logs: readonly StudyLog[],
  intervention: TrainSettings["intervention"],
): StudyLog[] {
  return where(logs, (settings) => settings.intervention === intervention);
}

/** The runs of an arm of figure 11, of one size. */
function arm(logs: ClaimLogs, intervention: TrainSettings["intervention"], model: string) {
  return where(logs.of("fig11"), (settings) =>
    settings.model === model &&
    (intervention === "none" ? isGrpo(settings) : settings.intervention === intervention));
}

/** A number of the runs of an arm and of GRPO's with their seeds. */
function overGrpo(
  logs: ClaimLogs,
  intervention: TrainSettings["intervention"],
  model: string,
  value: (log: StudyLog, grpo: StudyLog) => number,
): Evidence {
  return againstBaseline(arm(logs, intervention, model), arm(logs, "none", model), value);
}

const gain = (log: StudyLog, grpo: StudyLog) => lateAccuracy(log) - lateAccuracy(grpo);

// Coefficients of the entropy bonus and the reference KL.

interface Sweep {
  figures: readonly string[];
  intervention: TrainSettings["intervention"];
  setting: "entropyCoefficient" | "referenceCoefficient";
}

const BONUS: Sweep = {
  figures: ["fig9"],
  intervention: "entropy-bonus",
  setting: "entropyCoefficient",
};
const REFERENCE: Sweep = {
  figures: ["fig10"],
  intervention: "reference-kl",
  setting: "referenceCoefficient",
};

/** The same with all coefficients that the study has, those of the tuning too. */
const withTuning = (kind: Sweep): Sweep => ({ ...kind, figures: [...kind.figures, "tuning"] });

/** The runs of a sweep, all coefficients or one. */
function sweep(logs: ClaimLogs, { figures, intervention, setting }: Sweep, coefficient?: number) {
  return where(logs.of(...figures), (settings) =>
    settings.intervention === intervention &&
    (coefficient === undefined || settings[setting] === coefficient));
}

/** GRPO without intervention, of the model and seed of a sweep. */
function baselineOf(logs: ClaimLogs, { figures }: Sweep): StudyLog[] {
  return where(logs.of("fig1", ...figures), isGrpo);
}

function atCoefficient(
  kind: Sweep,
  coefficient: number,
  value: (log: StudyLog, grpo: StudyLog) => number,
): (logs: ClaimLogs) => Evidence {
  return (logs) => againstBaseline(sweep(logs, kind, coefficient), baselineOf(logs, kind), value);
}

const kept = (log: StudyLog) => lateEntropy(log) / startEntropy(log);
const overBaseline = (log: StudyLog, grpo: StudyLog) => lateEntropy(log) / lateEntropy(grpo);

/** H in the last fifth over that at the first step of a run whose entropy holds, and of one whose entropy explodes. */
const HELD: Interval = [0.25, 2];
const EXPLODED: Interval = [2, Infinity];

/** The largest gain over GRPO's accuracy, of the coefficients that hold the entropy. */
function gainWhereHeld(kind: Sweep): (logs: ClaimLogs) => Evidence {
  return (logs) => {
    const holding = sweep(logs, kind).filter((log) => kept(log) >= HELD[0] && kept(log) <= HELD[1]);
    const gains = againstBaseline(holding, baselineOf(logs, kind), gain);
    if ("untestable" in gains) {
      return { untestable: "no coefficient of the study holds the entropy" };
    }
    return single("coefficients that hold it", max(gains.observations.map(valueOf)));
  };
}

/** How a number of a sweep's runs goes with the coefficient, the baseline being coefficient 0. */
function trend(
  kind: Sweep,
  value: (log: StudyLog) => number,
): (logs: ClaimLogs) => Evidence {
  return (logs) => {
    const runs = sweep(logs, kind);
    const seeds = new Set(runs.map(({ run }) => run.settings.seed));
    const zero = baselineOf(logs, kind).filter(({ run: { settings } }) =>
      settings.model === runs[0]?.run.settings.model && settings.task === "math" &&
      seeds.has(settings.seed)
    );
    const points = [
      ...zero.map((log) => [0, value(log)] as const),
      ...runs.map((log) => [log.run.settings[kind.setting], value(log)] as const),
    ];
    return rankTrend(points, "coefficients");
  };
}

function rankTrend(points: readonly (readonly [number, number])[], what: string): Evidence {
  if (points.length < 3) return { untestable: `the study has ${points.length} ${what} only` };
  const value = sampleRankCorrelation(points.map(([x]) => x), points.map(([, y]) => y));
  return single(`${points.length} ${what}`, value);
}

/** Whether H rises with the weight of the reference KL. */
const entropyTrend = (which: string, kind: Sweep): InterventionCriterion => ({
  quantity: `rank correlation of β, ${which}, with H in the last fifth`,
  paper: "rises",
  accept: [0.8, Infinity],
  unit: "",
  measure: trend(kind, lateEntropy),
});

/** Whether accuracy falls with it. */
const accuracyTrend = (which: string, kind: Sweep): InterventionCriterion => ({
  quantity: `rank correlation of β, ${which}, with the accuracy in the last fifth`,
  paper: "falls",
  accept: [-Infinity, -0.8],
  unit: "",
  measure: trend(kind, lateAccuracy),
});

// Figure 12.

function strengths(
  logs: ClaimLogs,
  intervention: "clip-cov" | "kl-cov",
  setting: "clipCovRatio" | "klCoefficient",
): Evidence {
  const runs = runsUnder(logs.of("fig12"), intervention);
  const [first] = runs;
  // KL-Cov without a penalty has no clip either, so that GRPO is not its β of 0.
  const hasZero = runs.some(({ run }) => run.settings[setting] === 0);
  const zero = hasZero ? [] : where(
    logs.of("fig1", "fig12"),
    (settings) =>
      isGrpo(settings) && settings.model === first?.run.settings.model &&
      settings.task === "math" &&
      settings.seed === first.run.settings.seed,
  );
  return rankTrend([
    ...zero.map((log) => [0, lateEntropy(log)] as const),
    ...runs.map((log) => [log.run.settings[setting], lateEntropy(log)] as const),
  ], "strengths");
}

/** How much H changes from step to step, over its mean, in the second half of a run. */
function restlessness(log: StudyLog): number {
  const late = ENTROPY(log).filter(({ step }) => step > log.run.settings.steps / 2)
    .map(({ value }) => value);
  const changes = late.slice(1).map((value, i) => value - late[i]!);
  return standardDeviation(changes) / mean(late);
}

// What Clip-Cov and KL-Cov touch.

const touchedShare = (log: StudyLog) => shareOfTokens(log, "actor/touched_tokens");

/** Tokens of a minibatch, mean over a run. */
function minibatchTokens(log: StudyLog): number {
  const { steps, minibatches } = log.run.settings;
  return total(log, "rollout/tokens") / steps / minibatches;
}

/** Lengths of the responses in the paper's picture, in tokens. */
const paperLengths = () =>
  paperRows("fig11.csv").filter(({ panel }) => panel === "response_length")
    .map(({ value }) => Number(value));
/** Responses of a minibatch in the paper: 32 prompts × 8. */
const PAPER_MINIBATCH = 32 * 8;

/** How many tokens a share of a minibatch is, here and in the paper. */
function batchScale(logs: ClaimLogs): string[] {
  return batchScaleOf(logs.of("fig11"), "in the mean of all methods");
}

/** The same of some runs. */
function batchScaleOf(runs: readonly StudyLog[], whose: string): string[] {
  const ours = mean(runs.map(minibatchTokens));
  const length = mean(runs.map((log) => mean(logged(log, "response_length/mean").map(valueOf))));
  const paperLength = mean(paperLengths());
  const theirs = PAPER_MINIBATCH * paperLength;
  return [
    `A minibatch has ${ours.toFixed(0)} tokens here, ${whose}, and about ${
      theirs.toExponential(1)
    } in the paper, responses ${length.toFixed(0)} and ${
      paperLength.toFixed(0)
    }; so 2·10⁻⁴ of the tokens are ${(2e-4 * ours).toPrecision(1)} here and ${
      (2e-4 * theirs).toFixed(0)
    } there.`,
  ];
}

/** The same of a method's runs, and how many tokens it may select. */
function selectionScale(intervention: "clip-cov" | "kl-cov"): (logs: ClaimLogs) => string[] {
  return (logs) => {
    const runs = runsUnder(logs.of("fig11"), intervention);
    const tokens = mean(runs.map((log) => {
      const { clipCovRatio, klCovRatio } = log.run.settings;
      return minibatchTokens(log) * (intervention === "clip-cov" ? clipCovRatio : klCovRatio);
    }));
    return [
      ...batchScaleOf(runs, `with ${intervention}`),
      intervention === "clip-cov"
        ? `r·N is ${
          tokens.toFixed(1)
        } tokens of such a minibatch; where fewer have a covariance between ω_low and ω_high, those are taken out.`
        : `k·N is ${
          tokens.toFixed(1)
        } tokens of such a minibatch, of which whole ones are selected, rounded down.`,
    ];
  };
}

/** Whether the reference KL holds the policy at all: how far it goes without and with the strongest. */
function distanceToReference(logs: ClaimLogs): string[] {
  const distance = (log: StudyLog) => plateau(log, (of) => logged(of, "actor/kl_loss"));
  const plain = baselineOf(logs, REFERENCE).map(distance).filter(Number.isFinite);
  const held = sweep(logs, REFERENCE, 0.1).map(distance).filter(Number.isFinite);
  if (plain.length === 0 || held.length === 0) return [];
  return [
    `In the last fifth the KL to the base model is ${mean(plain).toFixed(2)} nats without and ${
      mean(held).toFixed(2)
    } with β = 0.1: coefficients of this size hardly hold the policy here, where the loss has another scale.`,
  ];
}

/** What stronger penalties do: the strength that is used is the most accurate of those that were tried. */
function strongerPenalties(logs: ClaimLogs): string[] {
  const tried = logs.of("tuning");
  const plain = where(tried, isGrpo)[0];
  if (plain === undefined) return [];
  const penalties = runsUnder(tried, "kl-cov");
  if (penalties.length === 0) return [];
  const strongest = penalties.reduce((best, log) =>
    lateEntropy(log) > lateEntropy(best) ? log : best
  );
  const { klCovRatio, klCoefficient } = strongest.run.settings;
  return [
    `Of the ${penalties.length} strengths of KL-Cov that were tried on the seed of the tuning the one that keeps most entropy (k ${klCovRatio}, β ${klCoefficient}) has ${
      (lateEntropy(strongest) / lateEntropy(plain)).toPrecision(2)
    } times GRPO's, and ends ${
      fixed(100 * (lateAccuracy(plain) - lateAccuracy(strongest)), 1)
    } points below it; the one that is used is the most accurate.`,
  ];
}

/** What GRPO gains by Clip-Cov's clip range alone. */
function gainOfRange(logs: ClaimLogs): string[] {
  return SIZES.map(([model, size]) => {
    const wide = where(
      logs.of("fig11"),
      (settings) =>
        settings.model === model && settings.intervention === "none" && !isGrpo(settings),
    );
    const found = againstBaseline(wide, arm(logs, "none", model), gain);
    if ("untestable" in found) return `${size}: the study has no GRPO with Clip-Cov's clip range.`;
    const gains = found.observations.map(({ value }) => 100 * value);
    const interval = meanInterval(gains)?.map((end) => fixed(end, 1)).join(", ");
    const gained = mean(gains);
    const within = interval === undefined ? "" : ` [${interval}]`;
    return `${size}: with Clip-Cov's clip range alone GRPO ends ${
      Math.abs(gained).toFixed(1)
    } points ${gained < 0 ? "below" : "above"} itself${within}${
      gained > 0 ? "; that much of a gain is not the method's" : ""
    }.`;
  });
}

const valueOf = ({ value }: { readonly value: number }) => value;

/** Tokens that a wider upper clip range adds: of the runs that log them. */
function freed(logs: ClaimLogs): readonly StudyLog[] {
  return runsUnder(logs.of("fig11"), "clip-higher")
    .filter((log) => logged(log, "freed/covariance").length > 0);
}

function ofFreed(value: (log: StudyLog) => number): (logs: ClaimLogs) => Evidence {
  return (logs) => {
    const runs = freed(logs);
    if (runs.length > 0) return eachRun(runs, value);
    const all = runsUnder(logs.of("fig11"), "clip-higher");
    const tokens = all.reduce((sum, log) => sum + total(log, "freed/tokens"), 0);
    return {
      untestable:
        `clip-higher's runs log ${tokens} tokens whose gradient the wider range let through`,
    };
  };
}

// Table 2.

/** KL-Cov less Clip-Cov on 7B, which the paper's two averages order differently. */
const ranking = (accept: Interval, paper: string): InterventionCriterion => ({
  quantity: "7B: KL-Cov less Clip-Cov in the last fifth, by seed",
  paper,
  accept,
  unit: "points",
  measure: (logs) =>
    againstBaseline(
      arm(logs, "kl-cov", SMALL_MODEL),
      arm(logs, "clip-cov", SMALL_MODEL),
      gain,
    ),
});

const GAINS: readonly InterventionCriterion[] = [
  ...([
    [SMALL_MODEL, "7B", "kl-cov", "KL-Cov", "+2.0"],
    [LARGE_MODEL, "32B", "kl-cov", "KL-Cov", "+6.4"],
    [SMALL_MODEL, "7B", "clip-cov", "Clip-Cov", "+1.8 (printed), +2.7 (mean)"],
    [LARGE_MODEL, "32B", "clip-cov", "Clip-Cov", "+4.5 (printed), +5.5 (mean)"],
  ] as const).map(([model, size, intervention, name, paper]): InterventionCriterion => ({
    quantity: `${size}: ${name} less GRPO in the last fifth, by seed`,
    paper,
    accept: [0, Infinity],
    unit: "points",
    decisive: intervention === "kl-cov",
    measure: (logs) => overGrpo(logs, intervention, model, gain),
  })),
  {
    quantity: "KL-Cov's gain on 32B less that on 7B, by seed",
    paper: "+4.4",
    accept: [0, Infinity],
    unit: "points",
    measure: (logs) => {
      const grpo = (log: StudyLog) =>
        arm(logs, "none", log.run.settings.model)
          .find(({ run }) => run.settings.seed === log.run.settings.seed)!;
      const large = arm(logs, "kl-cov", LARGE_MODEL);
      return {
        observations: arm(logs, "kl-cov", SMALL_MODEL).flatMap((log) => {
          const own = large.find(({ run }) => run.settings.seed === log.run.settings.seed);
          return own === undefined
            ? []
            : [{ name: own.run.name, value: gain(own, grpo(own)) - gain(log, grpo(log)) }];
        }),
      };
    },
  },
  {
    quantity: "32B: KL-Cov less GRPO on AIME24 in the last fifth, by seed",
    paper: "+15.0",
    accept: [0, Infinity],
    unit: "points",
    measure: (logs) =>
      overGrpo(
        logs,
        "kl-cov",
        LARGE_MODEL,
        (log, grpo) => onAime(log) - onAime(grpo),
      ),
  },
];

function onAime(log: StudyLog): number {
  const key = [...log.curves.keys()].find((name) => /^val-core\/.*\/aime24\/acc\/mean@/.test(name));
  return plateau(log, (log) => logged(log, key ?? ""));
}

// What entropy under an intervention has to do with performance.

/** Runs of one size under any intervention. */
function intervened(logs: ClaimLogs): StudyLog[] {
  return where(
    logs.of("fig9", "fig10", "fig11", "fig12"),
    (settings) => settings.model === SMALL_MODEL && settings.intervention !== "none",
  );
}

/** The claims of Sec. 4. */
export const INTERVENTION_CLAIMS: readonly Claim<ClaimLogs>[] = [
  {
    number: 19,
    place: "Sec. 4.2, Fig. 9",
    statement:
      "An entropy bonus does little with α = 1e-4 and 1e-3, explodes with 1e-2, and with 5e-3 holds the entropy without a better performance.",
    paper: "α of 0, 1e-4, 1e-3, 5e-3, 1e-2; the axis goes to 5 nats",
    figures: ["fig1", "fig9", "tuning"],
    readings: [
      {
        name: "the paper's coefficients",
        criteria: [
          ...[1e-4, 1e-3].map((alpha): InterventionCriterion => ({
            quantity: `α = ${alpha}: H in the last fifth over GRPO's`,
            paper: "little",
            accept: [-Infinity, 2],
            unit: "×",
            measure: atCoefficient(BONUS, alpha, overBaseline),
          })),
          {
            quantity: "α = 0.005: H in the last fifth over that at the first step",
            paper: "holds",
            accept: HELD,
            unit: "×",
            measure: atCoefficient(BONUS, 5e-3, kept),
          },
          {
            quantity: "α = 0.005: accuracy above GRPO's in the last fifth",
            paper: "not better",
            accept: [-Infinity, 0.01],
            unit: "points",
            measure: atCoefficient(BONUS, 5e-3, gain),
          },
          {
            quantity: "α = 0.01: H in the last fifth over that at the first step",
            paper: "explodes",
            accept: EXPLODED,
            unit: "×",
            measure: atCoefficient(BONUS, 1e-2, kept),
          },
        ],
      },
      {
        name: "any coefficients, as the loss has another scale here",
        criteria: [
          {
            quantity:
              "largest H in the last fifth over that at the first step, over all coefficients",
            paper: "explodes",
            accept: EXPLODED,
            unit: "×",
            measure: (logs) =>
              single("all coefficients", max(sweep(logs, withTuning(BONUS)).map(kept))),
          },
          {
            quantity:
              "largest accuracy above GRPO's in the last fifth, over the coefficients that hold the entropy",
            paper: "not better",
            accept: [-Infinity, 0.01],
            unit: "points",
            decisive: true,
            measure: gainWhereHeld(withTuning(BONUS)),
          },
        ],
      },
    ],
  },
  {
    number: 20,
    place: "Sec. 4.2, Fig. 10",
    statement: "A KL to the reference policy keeps the entropy stable and degrades performance.",
    paper: "β of 0, 0.001, 0.01, 0.05, 0.1; no numbers",
    figures: ["fig1", "fig10", "tuning"],
    readings: [{
      name: "the paper's coefficients",
      criteria: [
        entropyTrend("all coefficients", REFERENCE),
        {
          quantity: "β = 0.1: H in the last fifth over that at the first step",
          paper: "stable",
          accept: HELD,
          unit: "×",
          measure: atCoefficient(REFERENCE, 0.1, kept),
        },
        accuracyTrend("all coefficients", REFERENCE),
        {
          quantity: "β = 0.1: accuracy above GRPO's in the last fifth",
          paper: "degrades",
          accept: [-Infinity, -0.01],
          unit: "points",
          measure: atCoefficient(REFERENCE, 0.1, gain),
        },
      ],
    }, {
      name: "any coefficients, as the loss has another scale here",
      criteria: [
        entropyTrend("those of the tuning too", withTuning(REFERENCE)),
        accuracyTrend("those of the tuning too", withTuning(REFERENCE)),
        {
          quantity:
            "largest accuracy above GRPO's in the last fifth, over the coefficients that hold the entropy",
          paper: "degrades",
          accept: [-Infinity, -0.01],
          unit: "points",
          measure: gainWhereHeld(withTuning(REFERENCE)),
        },
      ],
    }],
    scale: distanceToReference,
  },
  {
    number: 21,
    place: "Sec. 4.3, Eqs. 11 and 12",
    statement:
      "Clip-Cov takes ⌊r·N⌋ tokens with a covariance between ω_low and ω_high out of the gradient; both bounds are over 500 times the average.",
    paper: "r = 2e-4, ω = 1 and 5; “over 500×”, but 1 is 333× the 0.003 of Table 1",
    figures: ["fig11"],
    readings: [
      {
        name: "by Table 1",
        criteria: [{
          quantity: "ω_low over the mean covariance that Table 1 prints",
          paper: "over 500×",
          accept: [500, Infinity],
          unit: "×",
          measure: () => single("Table 1", 1 / 0.003),
        }],
      },
      {
        name: "in the lab",
        criteria: [
          {
            quantity: "tokens that Clip-Cov took out over r·N",
            paper: "1×",
            accept: [0.9, 1.1],
            unit: "×",
            measure: (logs) =>
              eachRun(
                runsUnder(logs.of("fig11"), "clip-cov"),
                (log) => touchedShare(log) / log.run.settings.clipCovRatio,
              ),
          },
          {
            quantity: "ω_low over the mean covariance of all tokens, mean over steps",
            paper: "over 500×",
            accept: [500, Infinity],
            unit: "×",
            measure: (logs) =>
              eachRun(
                runsUnder(logs.of("fig11"), "clip-cov"),
                (log) =>
                  log.run.settings.covarianceLow /
                  Math.abs(mean(logged(log, "covariance/mean").map(valueOf))),
              ),
          },
        ],
      },
    ],
    scale: selectionScale("clip-cov"),
  },
  {
    number: 22,
    place: "Sec. 4.3, Eqs. 13 and 14",
    statement: "KL-Cov penalises the k·N tokens of highest covariance.",
    paper: "k = 2e-3 (7B), 2e-4 (32B), β = 1",
    figures: ["fig11"],
    readings: [{
      name: "",
      criteria: [{
        quantity: "tokens that KL-Cov selected over k·N",
        paper: "1×",
        accept: [0.95, 1.05],
        unit: "×",
        measure: (logs) =>
          eachRun(
            runsUnder(logs.of("fig11"), "kl-cov"),
            (log) => touchedShare(log) / log.run.settings.klCovRatio,
          ),
      }],
    }],
    scale: selectionScale("kl-cov"),
  },
  {
    number: 23,
    place: "Sec. 4.4, Table 2",
    statement:
      "Clip-Cov and KL-Cov end above GRPO in the mean of the benchmarks, KL-Cov by 2.0 points on 7B and 6.4 on 32B.",
    paper:
      "7B 38.6, 38.8, 40.4, 40.6; 32B 45.8, 47.2, 50.3, 52.2, one run each; these are not the means of the columns, by which Clip-Cov is the best on 7B",
    figures: ["fig11"],
    readings: [
      {
        name: "the printed averages",
        criteria: [...GAINS, ranking([0, Infinity], "+0.2 (40.6 − 40.4)")],
      },
      {
        name: "the plain means of the seven columns",
        criteria: [...GAINS, ranking([-Infinity, 0], "−0.6 (41.09 − 41.74)")],
      },
    ],
    scale: (logs) => [...gainOfRange(logs), ...batchScale(logs)],
  },
  {
    number: 24,
    place: "Sec. 4.4, Fig. 11",
    statement:
      "Where GRPO has its plateau KL-Cov's entropy is over 10 times as high, responses grow longer and accuracy stays above; clip-higher gains early, and then declines.",
    paper: "over 10×",
    figures: ["fig11", "tuning"],
    readings: [{
      name: "",
      criteria: [
        ...SIZES.flatMap(([model, size]): InterventionCriterion[] => [
          {
            quantity: `${size}: KL-Cov's H over GRPO's in the last fifth`,
            paper: "over 10×",
            accept: [10, Infinity],
            unit: "×",
            decisive: true,
            measure: (logs) => overGrpo(logs, "kl-cov", model, overBaseline),
          },
          {
            quantity: `${size}: KL-Cov's length of responses over GRPO's in the last fifth`,
            paper: "longer",
            accept: [1, Infinity],
            unit: "×",
            measure: (logs) =>
              overGrpo(logs, "kl-cov", model, (log, grpo) => lateLength(log) / lateLength(grpo)),
          },
          {
            quantity: `${size}: KL-Cov's accuracy above GRPO's over the second half of training`,
            paper: "above",
            accept: [0, Infinity],
            unit: "points",
            measure: (logs) =>
              overGrpo(
                logs,
                "kl-cov",
                model,
                (log, grpo) => halfAccuracy(log) - halfAccuracy(grpo),
              ),
          },
          {
            quantity: `${size}: clip-higher's accuracy above GRPO's after a third of training`,
            paper: "gains early",
            accept: [0, Infinity],
            unit: "points",
            measure: (logs) =>
              overGrpo(
                logs,
                "clip-higher",
                model,
                (log, grpo) => after(accuracyOf(log), 1 / 3) - after(accuracyOf(grpo), 1 / 3),
              ),
          },
          {
            quantity: `${size}: clip-higher's accuracy in the last fifth less its best`,
            paper: "declines",
            accept: [-Infinity, -0.01],
            unit: "points",
            measure: (logs) =>
              eachRun(
                arm(logs, "clip-higher", model),
                (log) => lateAccuracy(log) - bestOf(accuracyOf(log), log.run.settings.steps),
              ),
          },
        ]),
      ],
    }],
    scale: (logs) => [...strongerPenalties(logs), ...batchScale(logs)],
  },
  {
    number: 25,
    place: "Sec. 4.4, Fig. 12",
    statement:
      "Entropy rises with r of Clip-Cov and with β of KL-Cov, and KL-Cov's curves are the steadier ones.",
    paper: "r of 2, 4, 5, 7 (1e-4); β of 0, 0.05, 0.1, 0.5, 1; no numbers",
    figures: ["fig1", "fig12"],
    readings: [{
      name: "",
      criteria: [
        {
          quantity: "rank correlation of r with H in the last fifth",
          paper: "1",
          accept: [0.9, Infinity],
          unit: "",
          measure: (logs) => strengths(logs, "clip-cov", "clipCovRatio"),
        },
        {
          quantity: "rank correlation of β with H in the last fifth",
          paper: "1",
          accept: [0.9, Infinity],
          unit: "",
          measure: (logs) => strengths(logs, "kl-cov", "klCoefficient"),
        },
        {
          quantity:
            "changes of H from step to step, relative to H, second half of training: KL-Cov over Clip-Cov",
          paper: "steadier",
          accept: [-Infinity, 1],
          unit: "×",
          measure: (logs) => {
            const [kl, clip] = (["kl-cov", "clip-cov"] as const).map((name) =>
              runsUnder(logs.of("fig12"), name).map(restlessness)
            );
            return single("all strengths", mean(kl!) / mean(clip!));
          },
        },
      ],
    }],
  },
  {
    number: 26,
    place: "Sec. 4.4",
    statement:
      "Touching 1e-4 to 1e-3 of the tokens changes the whole course of the entropy (“pivotal tokens”).",
    paper: "1e-4 to 1e-3",
    figures: ["fig11"],
    readings: [{
      name: "",
      criteria: (["clip-cov", "kl-cov"] as const).flatMap((name): InterventionCriterion[] => [
        {
          quantity: `7B, ${name}: share of the tokens that are touched`,
          decisive: true,
          paper: "1e-4 to 1e-3",
          accept: [-Infinity, 1e-3],
          unit: "",
          measure: (logs) => {
            const runs = arm(logs, name, SMALL_MODEL);
            const tokens = mean(runs.map(minibatchTokens));
            if (1e-3 * tokens < 1) {
              return {
                untestable: `1e-3 of the ${tokens.toFixed(0)} tokens of a minibatch are ${
                  (1e-3 * tokens).toFixed(2)
                } tokens; ${
                  mean(runs.map(touchedShare)).toPrecision(2)
                } of the tokens were touched`,
              };
            }
            return eachRun(runs, touchedShare);
          },
        },
        {
          quantity: `7B, ${name}: H in the last fifth over GRPO's`,
          paper: "another course",
          accept: [2, Infinity],
          unit: "×",
          measure: (logs) => overGrpo(logs, name, SMALL_MODEL, overBaseline),
        },
      ]),
    }],
    scale: batchScale,
  },
  {
    number: 27,
    place: "Sec. 4.4",
    statement: "The tokens that clip-higher adds have a low covariance.",
    paper: "mean ≈ −0.03",
    figures: ["fig11"],
    readings: [{
      name: "",
      criteria: [
        {
          quantity: "mean covariance of the tokens that clip-higher lets through",
          paper: "−0.03",
          accept: [-0.06, 0],
          unit: "",
          measure: ofFreed(freedCovariance),
        },
        {
          quantity: "that mean less the mean covariance of all tokens",
          paper: "below 0 (−0.03 against 0.003)",
          accept: [-Infinity, 0],
          unit: "",
          decisive: true,
          measure: ofFreed((log) =>
            freedCovariance(log) - mean(logged(log, "covariance/mean").map(valueOf))
          ),
        },
      ],
    }],
  },
  {
    number: 28,
    place: "Sec. 4.4",
    statement:
      "Between the entropy under an intervention and performance there is no relationship; the best entropy is open.",
    paper: "no numbers",
    figures: ["fig9", "fig10", "fig11", "fig12"],
    readings: [{
      name: "",
      criteria: [
        {
          quantity: "7B: rank correlation over intervened runs of H and accuracy in the last fifth",
          paper: "none",
          accept: [-0.5, 0.5],
          unit: "",
          measure: (logs) => {
            const runs = intervened(logs);
            return rankCorrelation(runs.map(lateEntropy), runs.map(lateAccuracy));
          },
        },
        {
          quantity: "7B: R² of the law within an intervened run, mean",
          paper: "not claimed",
          accept: [-Infinity, 0.9],
          unit: "",
          measure: (logs) => eachRun(intervened(logs), (log) => lawOf(log)?.r2 ?? NaN),
        },
      ],
    }],
  },
];

/** H over the last fifth of training, in nats per token. */
function lateEntropy(log: StudyLog): number {
  return plateau(log, ENTROPY);
}

/** R over the last fifth of training. */
function lateAccuracy(log: StudyLog): number {
  return plateau(log, accuracyOf);
}

/** Length of responses over the last fifth of training, in tokens. */
function lateLength(log: StudyLog): number {
  return plateau(log, LENGTH);
}

/** R over the second half of training. */
function halfAccuracy(log: StudyLog): number {
  const late = accuracyOf(log).filter(({ step }) => step > log.run.settings.steps / 2);
  return late.length === 0 ? NaN : mean(late.map(valueOf));
}
