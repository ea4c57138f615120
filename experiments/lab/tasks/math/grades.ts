import type { Grades } from "../problem_sets.ts";

/** Operands and misconceptions of each set of the math task. */
export const MATH_GRADES: Grades = {
  // Chains of two operands are the 300 facts; no benchmark has them, so the corpus has them all.
  pretraining: { sizes: [2, 5] },
  mixtures: {
    standard: { sizes: [2, 5] },
    easy: { sizes: [2, 3] },
    hard: { sizes: [4, 6] },
    narrow: { sizes: [2, 5], distinct: 256 },
  },
  // Five of the paper's math benchmarks, by the accuracy of its Qwen2.5-7B (Table 2: 79, 59, 41, 28
  // and 21 %). Half of the last are chains longer than any of the corpus.
  benchmarks: {
    "math-500": { sizes: [3, 3], misconceptions: [0, 1] },
    "amc": { sizes: [4, 4], misconceptions: [0, 1] },
    "olympiadbench": { sizes: [4, 5], misconceptions: [0, 1] },
    "omni-math": { sizes: [5, 5], misconceptions: [0, 1] },
    "aime24": { sizes: [5, 6], misconceptions: [0, 2] },
  },
};
