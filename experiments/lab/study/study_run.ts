import { runId, type TrainSettings, trainSettings } from "../train_settings.ts";

/** A run of the study. */
export interface StudyRun {
  /** The name of its log: the run's id, and whatever setting it has that the id does not tell. */
  readonly name: string;
  /** Every setting. */
  readonly settings: TrainSettings;
}

/** The settings that a run's id tells. */
const IN_ID: ReadonlySet<string> = new Set([
  "model",
  "instruct",
  "task",
  "mixture",
  "algorithm",
  "intervention",
  "seed",
]);

/**
 * A run by the settings in which it differs from the defaults.
 *
 * @throws {LabError} if a setting is wrong.
 */
export function studyRun(given: Readonly<Record<string, unknown>>): StudyRun {
  const settings = trainSettings(given);
  const told = Object.fromEntries(Object.entries(given).filter(([name]) => IN_ID.has(name)));
  const usual: Record<string, unknown> = { ...trainSettings(told) };
  const others = Object.entries(settings).filter(([name, value]) => value !== usual[name]);
  const name = [runId(settings), ...others.map(([name, value]) => `${name}-${value}`)].join(".");
  return { name, settings };
}
