import type { Run } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";

/** One term of a reward that has several. */
export interface RewardTerm {
  /** Its name in the log's keys. */
  readonly name: string;
  /** The key of its mean. */
  readonly key: string;
  /** Its means. */
  readonly series: Series;
}

/** The mean of one term: TRL and what derives from it. */
const REWARD_TERM = /^(?:train\/)?rewards\/(?<term>.+)\/mean$/;
/** Fewer values of a term tell nothing of it. */
const FEWEST = 4;
/** Words in the name of a term that is not what the task asks for. */
const AUXILIARY = /format|tag|xml|json|length|lang|style|think/;
/** Words in the name of a term that is. */
const TASK = /acc|correct|answer|solve|verif/;

/** The terms of a reward of several; of one alone, it. */
export function rewardTerms({ series }: Run): RewardTerm[] {
  return Array.from(series).flatMap(([key, one]) => {
    const name = REWARD_TERM.exec(key)?.groups?.["term"];
    return name === undefined || one.values.length < FEWEST ? [] : [{ name, key, series: one }];
  });
}

/** Whether a term is not what the task asks for. */
export function isAuxiliary(name: string): boolean {
  return AUXILIARY.test(name.toLowerCase());
}

/** Whether a term is what the task asks for: that an answer is right. */
export function isTask(name: string): boolean {
  return TASK.test(name.toLowerCase()) && !isAuxiliary(name);
}
