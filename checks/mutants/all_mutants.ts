import type { Mutant } from "./mutant.ts";
import { ANALYSIS_MUTANTS } from "./table/analysis.ts";
import { KERNEL_MUTANTS } from "./table/kernels.ts";
import { LAB_MUTANTS } from "./table/lab.ts";

/** Every wrong change that a test must catch. */
export const MUTANTS: readonly Mutant[] = [...KERNEL_MUTANTS, ...LAB_MUTANTS, ...ANALYSIS_MUTANTS];
