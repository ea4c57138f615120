/** `deno task study`: makes the raw logs that the figures are drawn from, where they are missing. */
import {
  conditionOfCapacity,
  conditionOfExploration,
  conditionsOf,
  RUNS as CONDITION_RUNS,
} from "../experiments/conditions.ts";
import { capacityOf } from "../experiments/lab/study/capacity.ts";
import { missingRuns } from "../experiments/lab/study/missing_runs.ts";
import type { StudyRun } from "../experiments/lab/study/study_run.ts";
import { costOfStep, readTimings, secondsPerCost } from "../experiments/lab/study/timings.ts";
import { TASK_NAMES, taskByName } from "../experiments/lab/tasks/task_by_name.ts";
import { baseModelFolder, LOGS, TIMINGS } from "../experiments/models.ts";
import { type FigureRun, studyRuns } from "../experiments/study.ts";
import { readStudyLogs } from "../experiments/study_log.ts";
import { counted } from "../formats/counted.ts";
import { requestGpu } from "../kernels/mod.ts";
import { parseArguments } from "./common/arguments.ts";
import { printError, runCommand, UsageError } from "./common/command.ts";
import { makeRuns } from "./common/make_runs.ts";
import { duration } from "./common/progress.ts";

const HELP =
  `Makes the raw logs of the study that are missing, and the base models that they begin with.

  deno task study             all of them
  deno task study NAME…       the runs of these names, or of these figures: fig1, …
  deno task study --list      what there is to do, with the time that it takes
  deno task study --conditions
                              whether the tasks are what the study asks of them

Options:

  --list        prints the runs and makes none
  --json        with --list: as JSON, with every setting
  --missing     prints the names of the runs that are missing, one a line, and makes none
  --conditions  checks the tasks on the runs named conditions, and trains their base models on right answers (WebGPU,
                some minutes); a task some of whose runs are missing is left out, and the exit status is 1

A run that was stopped, by whatever, is gone on with. Several processes share the work, also on several machines
that have the same folders: none makes, or waits for, a run that another is making. experiments/slurm.sh gives each
run to a task of Slurm.

Files:

  results/logs/NAME.jsonl        a finished log; larger than 250 kB, it is compressed to .jsonl.gz
  results/models/MODEL.TASK      base models
  results/timings.jsonl          how long the runs took, from which the time left is told
  runs/study/                    what is not finished
`;

const OPTIONS = {
  list: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  missing: { type: "boolean", default: false },
  conditions: { type: "boolean", default: false },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  if (values.json && !values.list) throw new UsageError("--json is without --list (see --help).");
  const modes = (["list", "missing", "conditions"] as const).filter((name) => values[name]);
  if (modes.length > 1) {
    throw new UsageError(`--${modes[0]} and --${modes[1]} are two things, expected one of them.`);
  }
  if (values.conditions) {
    if (positionals.length > 0) {
      throw new UsageError(`--conditions has runs of its own, expected no ${positionals[0]}.`);
    }
    return await printConditions();
  }
  const runs = chosenRuns(positionals);
  const missing = await missingRuns(runs, LOGS);
  if (values.missing) {
    for (const { name } of missing) console.log(name);
  } else if (values.list) {
    await printRuns(runs, missing, values.json);
  } else {
    console.log(describeMissing(missing, await estimate()));
    return await makeRuns(missing, LOGS);
  }
  return true;
}

/** Prints what there is to do. */
async function printRuns(
  runs: readonly FigureRun[],
  missing: readonly FigureRun[],
  asJson: boolean,
): Promise<void> {
  const seconds = await estimate();
  const isMissing = new Set(missing);
  if (asJson) {
    const rows = runs.map((run) => ({
      ...run,
      finished: !isMissing.has(run),
      seconds: seconds(run) ?? null,
    }));
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  for (const run of runs) {
    const time = seconds(run);
    const state = isMissing.has(run) ? time === undefined ? "" : duration(time) : "done";
    console.log(`${state.padStart(10)}  ${run.name}  (${run.figures.join(", ")})`);
  }
  console.log(describeMissing(missing, seconds));
}

/**
 * Prints what the study asks of each task, and what is measured.
 *
 * @returns Whether all of the runs that tell it are there.
 */
async function printConditions(): Promise<boolean> {
  const { logs, missing } = await readStudyLogs(CONDITION_RUNS);
  using gpu = await requestGpu();
  for (const task of TASK_NAMES) {
    const isOwn = ({ settings }: StudyRun) => settings.task === task;
    const lacking = missing.filter(isOwn);
    if (lacking.length > 0) {
      const names = lacking.map(({ name }) => name).join(", ");
      printError(
        `${task}: ${counted(lacking.length, "run")} ${
          lacking.length === 1 ? "is" : "are"
        } missing, ${names}; deno task study conditions makes them.`,
      );
      continue;
    }
    const own = logs.filter(({ run }) => isOwn(run));
    const hot = own.find(({ run }) => run.settings.temperature !== 1)!;
    const usual = own.filter((log) => log !== hot);
    const bySeed = usual.map(conditionsOf);
    const base = baseModelFolder(hot.run.settings.model, task, false);
    const conditions = bySeed[0]!.map(({ name, expected }, i) => ({
      name,
      expected,
      seeds: bySeed.map((conditions) => conditions[i]!),
    }));
    for (
      const once of [
        conditionOfExploration(usual, hot),
        conditionOfCapacity(await capacityOf(gpu, taskByName(task), base)),
      ]
    ) conditions.push({ ...once, seeds: [once] });
    console.log(`${task}, ${hot.run.settings.model}, GRPO, seeds 1 to ${usual.length}`);
    for (const { name, expected, seeds } of conditions) {
      const verdict = seeds.every(({ holds }) => holds) ? "holds" : "does not hold";
      console.log(`  ${name} (${expected}): ${verdict}`);
      for (const { measured } of seeds) console.log(`    ${measured}`);
    }
  }
  return missing.length === 0;
}

type Estimate = (run: FigureRun) => number | undefined;

/** How many seconds a run takes, from those that are done; undefined before the first. */
async function estimate(): Promise<Estimate> {
  const rate = secondsPerCost(studyRuns(), await readTimings(TIMINGS));
  return (run) => rate === undefined ? undefined : rate * costOfStep(run) * run.settings.steps;
}

/** How many runs are missing, and how long they take. */
function describeMissing(missing: readonly FigureRun[], seconds: Estimate): string {
  if (missing.length === 0) return "no run is missing";
  const times = missing.map(seconds).filter((time) => time !== undefined);
  const sum = times.reduce((sum, time) => sum + time, 0);
  const left = times.length === 0 ? "" : `, about ${duration(sum)}`;
  return `${counted(missing.length, "run")} missing${left}`;
}

/** The runs that were named, by themselves or by a figure; all where none were. */
function chosenRuns(names: readonly string[]): FigureRun[] {
  const runs = studyRuns();
  if (names.length === 0) return runs;
  for (const name of names) {
    if (runs.some((run) => run.name === name || run.figures.includes(name))) continue;
    throw new UsageError(
      `there is no run or figure ${name}, expected one that deno task study --list prints.`,
    );
  }
  return runs.filter((run) =>
    names.some((name) => run.name === name || run.figures.includes(name))
  );
}

await runCommand(main);
