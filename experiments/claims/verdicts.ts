/** The verdict on every claim of the paper, from the logs of the study. */
import { type Claim, judge, type JudgedClaim, notRunYet } from "../../analysis/claims.ts";
import { LOGS } from "../models.ts";
import { type FigureRun, studyRuns } from "../study.ts";
import { readRunLogs, type StudyLog } from "../study_log.ts";
import { INTERVENTION_CLAIMS } from "./intervention_claims.ts";
import { LAW_CLAIMS } from "./law_claims.ts";
import type { ClaimLogs } from "./log_numbers.ts";
import { MECHANISM_CLAIMS } from "./mechanism_claims.ts";

/** All claims of the paper, in the order of its sections. */
export const CLAIMS: readonly Claim<ClaimLogs>[] = [
  ...LAW_CLAIMS,
  ...MECHANISM_CLAIMS,
  ...INTERVENTION_CLAIMS,
];

/**
 * Judges every claim; one of whose runs some are missing is not run yet.
 *
 * @param folder Where the logs lie; of this repository's study unless told.
 * @throws {UserError} if a log cannot be read, or was made with other settings.
 */
export async function judgeClaims(folder: string = LOGS): Promise<JudgedClaim[]> {
  const runs = studyRuns();
  const { logs } = await readRunLogs(runs, folder);
  const read = new Map(logs.map((log) => [log.run.name, log]));
  return CLAIMS.map((claim) => verdictOn(claim, { runs, read }));
}

/** The runs of the study, and the logs of those that are made, by their names. */
export interface StudyState {
  /** All runs. */
  readonly runs: readonly FigureRun[];
  /** Their logs, as far as they are there. */
  readonly read: ReadonlyMap<string, StudyLog>;
}

/** The verdict on a claim as far as the study is. */
export function verdictOn(claim: Claim<ClaimLogs>, { runs, read }: StudyState): JudgedClaim {
  const of = (figures: readonly string[]) =>
    runs.filter((run) => run.figures.some((figure) => figures.includes(figure)));
  const needed = of(claim.figures);
  const missing = needed.filter(({ name }) => !read.has(name)).map(({ name }) => name);
  const unlisted = claim.figures.filter((figure) => of([figure]).length === 0);
  if (missing.length > 0 || unlisted.length > 0) {
    return notRunYet(claim, [...missing, ...unlisted.map((figure) => `the runs of ${figure}`)]);
  }
  return judge(claim, {
    of: (...figures) => of(figures).flatMap(({ name }) => read.get(name) ?? []),
  });
}
