/** `deno task study`: makes the raw logs that the figures are drawn from, where they are missing. */
import { missingRuns, runStudy } from "../experiments/lab/study/run_study.ts";
import { costOfStep, readTimings, secondsPerCost } from "../experiments/lab/study/timings.ts";
import { LOGS, MODELS, UNFINISHED } from "../experiments/models.ts";
import { type FigureRun, studyRuns } from "../experiments/study.ts";
import { requestGpu } from "../kernels/mod.ts";
import { codeVersion } from "./common/code_version.ts";
import { parseArguments } from "./common/arguments.ts";
import { runCommand, UsageError } from "./common/command.ts";
import { duration, type Progress, showProgress } from "./common/progress.ts";

const HELP =
  `Makes the raw logs of the study that are missing, and the base models that they begin with.

  deno task study             all of them
  deno task study NAME…       the runs of these names, or of these figures: fig1, …
  deno task study --list      what there is to do, with the time that it takes

Options:

  --list    prints the runs and makes none
  --json    prints them as JSON, with every setting

A run that was stopped, by whatever, is gone on with. Several processes share the work, also on several machines
that have the same folders: none makes what another is making.

Files:

  results/logs/NAME.jsonl        a finished log; larger than 1 MB, it is compressed to .jsonl.gz
  results/logs/timings.jsonl     how long the runs took
  results/models/MODEL.TASK      base models
  runs/study/                    what is not finished
`;

const OPTIONS = {
  list: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  if (values.json && !values.list) throw new UsageError("--json is without --list (see --help).");
  const runs = chosenRuns(positionals);
  const missing = await missingRuns(runs, LOGS);
  const rate = secondsPerCost(studyRuns(), await readTimings(LOGS));
  const seconds = (run: FigureRun) =>
    rate === undefined ? undefined : rate * costOfStep(run) * run.settings.steps;
  const left = (some: readonly FigureRun[]) =>
    rate === undefined
      ? ""
      : `, about ${duration(some.reduce((sum, run) => sum + seconds(run)!, 0))}`;
  if (values.list) {
    const isMissing = new Set(missing);
    if (values.json) {
      const rows = runs.map((run) => ({
        ...run,
        finished: !isMissing.has(run),
        seconds: seconds(run) ?? null,
      }));
      console.log(JSON.stringify(rows, null, 2));
      return true;
    }
    for (const run of runs) {
      const time = seconds(run);
      const state = isMissing.has(run) ? time === undefined ? "" : duration(time) : "done";
      console.log(`${state.padStart(10)}  ${run.name}  (${run.figures.join(", ")})`);
    }
    console.log(`${missing.length} of ${runs.length} runs are missing${left(missing)}`);
    return true;
  }
  if (missing.length === 0) {
    console.log(`all ${runs.length} runs are there.`);
    return true;
  }
  console.log(`${missing.length} of ${runs.length} runs are missing${left(missing)}`);
  let progress: Progress | undefined;
  using gpu = await requestGpu();
  Deno.addSignalListener("SIGINT", () => {
    progress?.end();
    console.log("stopped; the same command goes on with the study.");
    gpu.destroy();
    Deno.exit(130);
  });
  await runStudy(gpu, missing, {
    logs: LOGS,
    models: MODELS,
    unfinished: UNFINISHED,
    codeVersion: await codeVersion(),
    onBaseModel(name) {
      progress?.end();
      progress = undefined;
      console.log(`base model ${name}`);
    },
    onRun({ name, settings }) {
      progress?.end();
      console.log(name);
      progress = Deno.stdout.isTerminal() ? showProgress(settings) : undefined;
    },
    onStep(...step) {
      progress?.step(...step);
    },
  }).finally(() => progress?.end());
  console.log(`all ${runs.length} runs are there.`);
  return true;
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
