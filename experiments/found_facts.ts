import { mean } from "simple-statistics";
import type { StudyLog } from "./study_log.ts";

/** A misconception of the teacher's, and what a policy made of it. */
export interface Misconception {
  /** The teacher's chance of the right answer. */
  readonly chance: number;
  /** ln of the policy's chance of the right answer before training, in nats. */
  readonly before: number;
  /** The same at the end. */
  readonly after: number;
}

/** The chances at which misconceptions are parted into groups: decades. */
const RARITIES = [0.0003, 0.003, 0.03, 0.3];

const KEY = "misconceptions/log_probability/";

/** What a run made of each misconception. */
export function misconceptionsOf(curves: StudyLog["curves"]): Misconception[] {
  return [...curves].filter(([key]) => key.startsWith(KEY)).map(([key, curve]) => ({
    chance: Number(key.slice(KEY.length)),
    before: curve[0]!.value,
    after: curve.at(-1)!.value,
  }));
}

/** Whether the policy ended with the right answer: more often than not. */
export function isFound({ after }: Misconception): boolean {
  return after > Math.log(0.5);
}

/** How many misconceptions there are in each decade of the teacher's chance, from the rarest, and the share found. */
export function foundByRarity(
  misconceptions: readonly Misconception[],
): { readonly count: number; readonly share: number }[] {
  return RARITIES.slice(0, -1).map((least, i) =>
    misconceptions.filter(({ chance }) => least <= chance && chance < RARITIES[i + 1]!)
  ).filter((group) => group.length > 0).map((group) => ({
    count: group.length,
    share: mean(group.map((one) => Number(isFound(one)))),
  }));
}
