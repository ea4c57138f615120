/**
 * Figure 11: Clip-Cov and KL-Cov keep entropy up where GRPO loses it; responses grow longer and accuracy
 * rises further, more so at 32B than at 7B.
 */
import { max, mean } from "simple-statistics";
import { type Course, COURSE_BANDS, coursePanel } from "../analysis/figures/course_panel.ts";
import type { Figure, Measurement } from "../analysis/figures/figure.ts";
import { type Curve, PAPER_ENTROPY, PAPER_SOURCE, paperRows } from "../analysis/paper_data.ts";
import { fixed, withMinus } from "../formats/minus.ts";
import { type Arm, ARM_MODELS, ARM_RUNS, ARMS, GRPO, logsWith } from "./arms.ts";
import {
  ACCURACY,
  bySeed,
  courseOf,
  ENTROPY,
  freedCovariance,
  LENGTH,
  overSeeds,
  overTokens,
  plateau,
  shareOfTokens,
  signed,
  total,
  WINDOW_CAPTION,
} from "./courses.ts";
import { LAB_ACCURACY, labFigure } from "./lab_figure.ts";
import { foundByRarity, misconceptionsOf } from "./found_facts.ts";
import { readStudyLogs, type StudyLog, type StudyLogs } from "./study_log.ts";

/** Five arms, two sizes, three seeds. */
export const RUNS = ARM_RUNS;

/** The rows of panels: in the paper's data, and in the lab's logs. */
const PANELS = [
  { paper: "entropy", title: "Entropy (nats/token)", of: ENTROPY, zero: true },
  { paper: "response_length", title: "Response length (tokens)", of: LENGTH, zero: false },
  { paper: "test_accuracy", title: "Test accuracy (%)", of: ACCURACY, zero: false },
];

/** Figure 11: from the paper's digitised curves, and from the lab's raw logs. */
export async function drawFigure11(): Promise<Figure[]> {
  return [paperFigure(), ...figure11(await readStudyLogs(RUNS))];
}

/** What the paper's image shows. */
function paperFigure(): Figure {
  const rows = paperRows("fig11.csv");
  const curve = (model: string, panel: string, arm: Arm): Curve =>
    rows.filter((row) =>
      row["model"] === model && row["panel"] === panel && row["method"] === arm.paper
    ).map((row) => ({ step: Number(row["step"]), value: Number(row["value"]) }));
  const arms = ARMS.filter(({ paper }) => paper !== undefined);
  return {
    id: "fig11",
    title: "Figure 11",
    caption:
      `Entropy, response length and test accuracy of Qwen2.5-7B (left) and 32B (right) under GRPO, clip-higher, Clip-Cov and KL-Cov. Gaps are points hidden behind another curve in the paper's image. ${PAPER_ENTROPY}`,
    source: PAPER_SOURCE,
    spec: panels(
      ARM_MODELS.map(({ label }) => ({
        label,
        points: ({ paper }, arm) => curve(label, paper, arm),
      })),
      arms,
    ),
    measurements: ARM_MODELS.flatMap(({ label }) => {
      const end = (panel: string, arm: Arm) => {
        const own = curve(label, panel, arm);
        return mean(
          own.filter(({ step }) => step > 0.8 * own.at(-1)!.step).map(({ value }) => value),
        );
      };
      return measure(
        label.replace("Qwen2.5-", ""),
        arms,
        (panel, arm, compare) => [compare(end(panel.paper, arm), end(panel.paper, GRPO))],
      );
    }),
  };
}

/** What the lab's logs show. */
export function figure11(study: StudyLogs): Figure[] {
  const models = ARM_MODELS.map(({ model, label }) => ({
    label,
    arms: ARMS.map((arm) => ({ arm, logs: logsWith(study.logs, model, arm.settings) }))
      .filter(({ logs }) => logs.length > 0),
  })).filter(({ arms }) => arms.length > 0);
  if (models.length === 0) return [];
  return [labFigure(study, {
    id: "fig11_lab",
    title: "Figure 11 in the lab",
    caption: `The same of the counterparts of ${
      models.map(({ label }) => label).join(" and ")
    }, with a fifth arm: GRPO with the clip range ε = 1 that the authors gave Clip-Cov. ${COURSE_BANDS} ${WINDOW_CAPTION} ${PAPER_ENTROPY} ${LAB_ACCURACY}`,
    spec: panels(
      models.map(({ label, arms }) => ({
        label,
        points: ({ of }, arm) => courseOf(logsOf(arms, arm), of),
      })),
      ARMS.filter((arm) => models.some(({ arms }) => logsOf(arms, arm).length > 0)),
    ),
    measurements: models.flatMap(({ label, arms }) => {
      const size = label.replace("Qwen2.5-", "");
      const clipHigher = arms.filter(({ arm }) => arm.label === "Clip-higher");
      return [
        plainEnd(size, logsOf(arms, GRPO)),
        ...measure(
          size,
          arms.map(({ arm }) => arm),
          ({ of }, arm, compare) =>
            bySeed(
              logsOf(arms, arm),
              logsOf(arms, GRPO),
              (run, plain) => compare(plateau(run, of), plateau(plain, of)),
            ),
        ),
        ...clipHigher.map(({ logs }) => decline(size, logs)),
        ...found(size, arms),
        ...dose(size, arms),
      ];
    }),
  })];
}

/** An arm with its runs. */
interface ArmLogs {
  readonly arm: Arm;
  readonly logs: readonly StudyLog[];
}

function logsOf(arms: readonly ArmLogs[], wanted: Arm): readonly StudyLog[] {
  return arms.find(({ arm }) => arm === wanted)?.logs ?? [];
}

type Panel = typeof PANELS[number];

/** What a column of panels shows. */
interface Column {
  /** The model. */
  readonly label: string;
  /** The course of a panel's number under an arm. */
  readonly points: (panel: Panel, arm: Arm) => Course["points"];
}

/** A column of panels for each model. */
function panels(models: readonly Column[], arms: readonly Arm[]): Figure["spec"] {
  return {
    columns: models.length,
    spacing: { row: 10, column: 16 },
    concat: PANELS.flatMap((panel, row) =>
      models.map(({ label, points }) =>
        coursePanel(
          arms.map((arm) => ({
            series: arm.label,
            colour: arm.colour,
            shape: arm.shape,
            points: points(panel, arm),
          })),
          {
            quantity: panel.title,
            zero: panel.zero,
            steps: row === PANELS.length - 1 ? "Gradient step" : undefined,
            ...(row === 0 ? { title: label } : {}),
            width: 145,
            height: 110,
          },
        )
      )
    ),
  };
}

/** A number of an arm against GRPO's: one value for each pair of runs. */
type Compared = (
  panel: Panel,
  arm: Arm,
  compare: (value: number, plain: number) => number,
) => number[];

/** The plateaus of a model's arms against GRPO's. */
function measure(size: string, arms: readonly Arm[], compared: Compared): Measurement[] {
  const [entropy, length, accuracy] = PANELS as [Panel, Panel, Panel];
  const others = arms.filter((arm) => arm !== GRPO);
  if (others.length === 0) return [];
  const each = (
    panel: Panel,
    compare: (value: number, plain: number) => number,
    format: (value: number) => string,
  ) =>
    others
      .map((arm) => `${arm.label} ${overSeeds(compared(panel, arm, compare), format)}`).join("; ");
  const ratio = (value: number, plain: number) => value / plain;
  return [
    {
      quantity: `${size}: entropy over GRPO's, last fifth of training`,
      paper: "KL-Cov over 10×",
      measured: each(entropy, ratio, (value) => `${fixed(value, 1)}×`),
    },
    {
      quantity: `${size}: response length over GRPO's, last fifth`,
      paper: "longer",
      measured: each(length, ratio, (value) => `${fixed(value, 2)}×`),
    },
    {
      quantity: `${size}: accuracy above GRPO's, last fifth (points)`,
      paper: `KL-Cov ${size === "32B" ? "+6.4" : "+2.0"} (Table 2)`,
      measured: each(accuracy, (value, plain) => value - plain, (value) => signed(value)),
    },
  ];
}

/** Where GRPO ends, which the arms are compared with. */
function plainEnd(size: string, logs: readonly StudyLog[]): Measurement {
  const digits = [3, 1, 1];
  const ends = PANELS.map(({ title, of }, i) =>
    `${title} ${
      overSeeds(logs.map((log) => plateau(log, of)), (value) => fixed(value, digits[i]!))
    }`
  );
  return { quantity: `${size}: GRPO, last fifth of training`, measured: ends.join("; ") };
}

/** Neighbouring validations whose mean is a peak. */
const PEAK = 5;

/** By how much the accuracy ends below its highest. */
function decline(size: string, logs: readonly StudyLog[]): Measurement {
  const falls = logs.map((log) => {
    const values = ACCURACY(log).map(({ value }) => value);
    const means = values.slice(PEAK - 1).map((_, i) => mean(values.slice(i, i + PEAK)));
    return means.at(-1)! - max(means);
  });
  return {
    quantity:
      `${size}: clip-higher's accuracy at the end less its highest, means of ${PEAK} validations (points)`,
    paper: "gains early, becomes unstable, declines",
    measured: overSeeds(falls, (value) => signed(value)),
  };
}

/** What each arm found of the teacher's misconceptions: whether exploration is what it gains by. */
function found(size: string, runs: readonly ArmLogs[]): Measurement[] {
  const shares = runs.map(({ arm, logs }) => ({
    arm,
    runs: logs.map(({ curves }) => foundByRarity(misconceptionsOf(curves))),
  }));
  const counts = shares[0]?.runs[0]?.map(({ count }) => count) ?? [];
  if (counts.length === 0) return [];
  const percents = (runs: (typeof shares)[number]["runs"]) =>
    counts.map((_, i) => (100 * mean(runs.map((groups) => groups[i]!.share))).toFixed(0));
  return [{
    quantity:
      `${size}: misconceptions whose right answer is found in the end, from the rarest decade to the most frequent (% of ${
        counts.join(", ")
      }; mean over seeds)`,
    measured: shares.map(({ arm, runs }) => `${arm.label} ${percents(runs).join(", ")}`).join("; "),
  }];
}

/** How many tokens the methods touch, which ones, and which clip-higher lets through. */
function dose(size: string, runs: readonly ArmLogs[]): Measurement[] {
  const touching = runs.filter(({ logs }) =>
    logs.some((log) => total(log, "actor/touched_tokens") > 0)
  );
  const freeing = runs.filter(({ logs }) => logs.some((log) => total(log, "freed/tokens") > 0));
  const each = (own: typeof runs, value: (log: StudyLog) => number, format: Format) =>
    own.map(({ arm, logs }) => `${arm.label} ${overSeeds(logs.map(value), format)}`).join("; ");
  const percent: Format = (value) => `${withMinus((100 * value).toPrecision(2))} %`;
  const share = (key: string) => (log: StudyLog) => shareOfTokens(log, key);
  return [
    ...(touching.length === 0 ? [] : [{
      quantity: `${size}: share of the tokens that the method touches`,
      paper: "0.02 to 0.2 %",
      measured: each(touching, share("actor/touched_tokens"), percent),
    }, {
      quantity: `${size}: mean covariance of the touched tokens`,
      measured: each(touching, touched("covariance"), (value) => fixed(value, 1)),
    }, {
      quantity: `${size}: mean log-prob of the touched tokens (nats)`,
      measured: each(touching, touched("log_prob"), (value) => signed(value)),
    }, {
      quantity: `${size}: share of the touched tokens with a positive advantage`,
      measured: each(touching, touched("positive"), percent),
    }]),
    ...(freeing.length === 0 ? [] : [{
      quantity: `${size}: share of the tokens that ε = 0.2 would clip and the wider range does not`,
      measured: each(freeing, share("freed/tokens"), percent),
    }, {
      quantity: `${size}: mean covariance of those tokens`,
      paper: "about −0.03 (clip-higher)",
      measured: each(freeing, freedCovariance, (value) => signed(value, 3)),
    }]),
  ];
}

type Format = (value: number) => string;

/** The mean of something over the tokens that Clip-Cov or KL-Cov selects. */
const touched = (what: string) => (log: StudyLog) =>
  overTokens(log, `touched/${what}`, "actor/touched_tokens");
