import { basename } from "node:path";

/** Where W&B keeps what a run printed, in the run's folder: the same for every run. */
const WANDB_OUTPUT = /[\\/]files[\\/]output\.log$/;

/** What a log lies at that is its run's alone: its path, or the folder of the run where W&B named the file. */
export function runPath(path: string): string {
  return path.replace(WANDB_OUTPUT, "");
}

/** What a run is called that no name is logged of: the file or folder that is its own. */
export function logName(path: string): string {
  return basename(runPath(path));
}
