import { requestGpu } from "../kernels/runtime/gpu.ts";
import { kernels } from "./kernel_library.ts";
import type { Library } from "./library.ts";
import { measure, type WithProgress } from "./measure.ts";
import { KERNEL_PEERS, NO_PEERS, openPeers } from "./peers.ts";
import { copyProblems, LARGE, problems, type Sizes, SMALL } from "./bench_problem.ts";
import { processor, type Report, results } from "./report.ts";

/** GB/s of copying above which an adapter has memory of its own. */
const FAST = 150;

/** Times every kernel, and the same work in its peers where it is asked for. */
export async function benchKernels(
  withPeers: boolean,
  withProgress: WithProgress,
): Promise<Report> {
  const gpu = await requestGpu();
  const ours = kernels(gpu);
  const peers = withPeers ? await openPeers(gpu.adapter, KERNEL_PEERS) : NO_PEERS;
  try {
    const sizes = await chooseSizes(
      ours,
      gpu.device.limits.maxStorageBufferBindingSize,
      withProgress,
    );
    const measurements = await measure(problems(sizes), ours, peers.libraries, withProgress);
    return {
      adapter: ours.adapter,
      processor: processor(),
      versions: { deno: Deno.version.deno, ...peers.versions },
      missing: peers.missing,
      results: results(measurements, peers.reasons),
    };
  } finally {
    for (const library of [ours, ...peers.libraries.values()]) library.destroy();
  }
}

/** Large problems only for an adapter that copies fast, else they would take minutes. */
async function chooseSizes(
  ours: Library,
  largestBinding: number,
  withProgress: WithProgress,
): Promise<Sizes> {
  if (4 * LARGE.copy > largestBinding) return SMALL;
  const measurements = await measure(copyProblems(SMALL.copy), ours, new Map(), withProgress);
  return results(measurements, new Map())[0]!.value > FAST ? LARGE : SMALL;
}
