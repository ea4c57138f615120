import { missingRuns } from "../../experiments/lab/study/missing_runs.ts";
import { runStudy } from "../../experiments/lab/study/run_study.ts";
import type { StudyRun } from "../../experiments/lab/study/study_run.ts";
import { MODELS, TIMINGS, UNFINISHED } from "../../experiments/models.ts";
import { counted } from "../../formats/counted.ts";
import { requestGpu } from "../../kernels/mod.ts";
import { codeVersion } from "./code_version.ts";
import { printError } from "./command.ts";
import { type Progress, showProgress } from "./progress.ts";

/**
 * Makes runs whose logs are missing in a folder, with progress on a terminal; what was stopped is gone on with.
 *
 * @returns Whether none of them failed.
 * @throws As {@linkcode runStudy}.
 */
export async function makeRuns(missing: readonly StudyRun[], logs: string): Promise<boolean> {
  if (missing.length === 0) return true;
  let progress: Progress | undefined;
  const endProgress = () => {
    progress?.end();
    progress = undefined;
  };
  const say = (text: string) => {
    endProgress();
    console.log(text);
  };
  using gpu = await requestGpu();
  Deno.addSignalListener("SIGINT", () => {
    say("stopped; the same command goes on with it.");
    gpu.destroy();
    Deno.exit(130);
  });
  let failures = 0;
  await runStudy(gpu, missing, {
    logs,
    models: MODELS,
    unfinished: UNFINISHED,
    timings: TIMINGS,
    codeVersion: await codeVersion(),
    onBaseModel: (name) => say(`base model ${name}`),
    onRun({ name, settings }) {
      say(name);
      progress = showProgress(settings);
    },
    onStep(...step) {
      progress?.step(...step);
    },
    onFailure({ name }, error) {
      endProgress();
      printError(`${name}: ${error.message}`);
      failures++;
    },
    onWait: () => say("waiting for base models that other processes make"),
  }).finally(endProgress);
  const left = (await missingRuns(missing, logs)).length - failures;
  if (left > 0) {
    console.log(`${counted(left, "run")} left to other processes, which are making them`);
  }
  return failures === 0;
}
