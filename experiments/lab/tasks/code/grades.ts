import type { Grades } from "../problem_sets.ts";

/** Instructions and misconceptions of each set of the code task. */
export const CODE_GRADES: Grades = {
  pretraining: { sizes: [1, 3] },
  mixtures: {
    standard: { sizes: [1, 3] },
    easy: { sizes: [1, 2] },
    hard: { sizes: [3, 4] },
    narrow: { sizes: [1, 3], distinct: 256 },
  },
  // The paper tests code on held-out parts of KodCode and of Eurus-2-RL-Code; the latter collects
  // APPS, TACO, CodeContests and Codeforces. Half of the last are programs longer than any of the corpus.
  benchmarks: {
    "kodcode": { sizes: [1, 2], misconceptions: [0, 1] },
    "apps": { sizes: [2, 2], misconceptions: [0, 1] },
    "taco": { sizes: [2, 3], misconceptions: [0, 2] },
    "codecontests": { sizes: [3, 3], misconceptions: [0, 2] },
    "codeforces": { sizes: [3, 4], misconceptions: [1, 3] },
  },
};
