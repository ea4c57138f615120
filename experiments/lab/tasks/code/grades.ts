import type { Grades } from "../problem_sets.ts";

/** Instructions and misconceptions of each set of the code task. */
export const CODE_GRADES: Grades = {
  pretraining: { sizes: [1, 2] },
  mixtures: {
    standard: { sizes: [1, 2] },
    easy: { sizes: [1, 1] },
    hard: { sizes: [2, 2] },
    narrow: { sizes: [1, 2], distinct: 256 },
  },
  // The paper tests code on held-out parts of KodCode and of Eurus-2-RL-Code; the latter collects
  // APPS, TACO, CodeContests and Codeforces.
  benchmarks: {
    "kodcode": { sizes: [1, 2], misconceptions: [0, 0] },
    "apps": { sizes: [1, 2], misconceptions: [0, 1] },
    "taco": { sizes: [2, 2], misconceptions: [0, 1] },
    "codecontests": { sizes: [2, 2], misconceptions: [0, 2] },
    "codeforces": { sizes: [2, 2], misconceptions: [1, 2] },
  },
};
