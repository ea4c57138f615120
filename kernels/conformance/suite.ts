import type { AdapterInfo } from "../runtime/adapter.ts";
import type { Gpu } from "../runtime/gpu.ts";
import { activeRowsCheck } from "./active_rows.ts";
import { attentionCheck } from "./attention.ts";
import { attentionDecodeCheck } from "./attention_decode.ts";
import { type Check, type CheckResult, Tally } from "./check.ts";
import { columnSumsCheck } from "./column_sums.ts";
import { covarianceCheck, groupMeansCheck, sequenceCovarianceCheck } from "./covariance.ts";
import { embeddingCheck } from "./embedding.ts";
import { fusedProjectionCheck } from "./fused_projection.ts";
import { goldenChecks, type GoldenFiles } from "./golden.ts";
import { matmulCheck } from "./matmul.ts";
import { adamwCheck, gradientNormCheck } from "./optimizer.ts";
import { policyLossCheck } from "./policy_loss.ts";
import { uniformsCheck } from "./uniforms.ts";
import { rmsNormCheck } from "./rms_norm.ts";
import { ropeCheck } from "./rope.ts";
import { sampleTokensCheck } from "./sampling.ts";
import { selectSampleCheck, selectTopCheck } from "./selection.ts";
import { swigluCheck } from "./swiglu.ts";
import { tokenStatisticsBackwardCheck } from "./token_statistics_backward.ts";
import { tokenStatisticsCheck } from "./token_statistics.ts";

/** Every kernel's check against its reference. */
export const CHECKS: readonly Check[] = [
  uniformsCheck,
  matmulCheck,
  columnSumsCheck,
  embeddingCheck,
  rmsNormCheck,
  ropeCheck,
  attentionCheck,
  attentionDecodeCheck,
  swigluCheck,
  tokenStatisticsCheck,
  tokenStatisticsBackwardCheck,
  fusedProjectionCheck,
  covarianceCheck,
  groupMeansCheck,
  sequenceCovarianceCheck,
  selectTopCheck,
  selectSampleCheck,
  policyLossCheck,
  gradientNormCheck,
  adamwCheck,
  sampleTokensCheck,
  activeRowsCheck,
];

/** Whether the kernels can be trusted on an adapter. */
export interface ConformanceReport {
  /** The adapter. */
  readonly adapter: AdapterInfo["name"];
  /** What each kernel's cases came to. */
  readonly kernels: readonly CheckResult[];
}

/**
 * Runs every kernel against its reference and against golden cases, and checks that no memory is left
 * behind. An error of the GPU is a failed case of the kernel that it came from.
 *
 * @param onResult Called after each kernel.
 */
export async function runConformance(
  gpu: Gpu,
  golden: GoldenFiles,
  onResult: (result: CheckResult) => void = () => {},
): Promise<ConformanceReport> {
  const kernels: CheckResult[] = [];
  for (const check of [...CHECKS, ...goldenChecks(golden)]) {
    const result = await runCheck(gpu, check);
    kernels.push(result);
    onResult(result);
  }
  return { adapter: gpu.adapter.name, kernels };
}

/** Runs the check of one kernel. */
export async function runCheck(gpu: Gpu, { name, run }: Check): Promise<CheckResult> {
  const tally = new Tally(name);
  const before = gpu.liveBytes;
  try {
    await run(gpu, tally);
    const left = gpu.liveBytes - before;
    tally.that("memory", left === 0, `${left} bytes are left behind`);
  } catch (error) {
    tally.that("run", false, (error as Error).message);
  }
  return tally.result();
}
