/** `deno task bench [--peers]`: how fast the kernels are on this adapter. */
import { parseArgs } from "node:util";
import { runCommand, UsageError, withProgress } from "../analysis/cli/command.ts";
import { requestGpu } from "../kernels/runtime/gpu.ts";
import { kernels } from "./bench/kernels.ts";
import type { Library } from "./bench/library.ts";
import { measure } from "./bench/measure.ts";
import { openPeers, type Peers } from "./bench/peers.ts";
import { copyProblems, LARGE, problems, type Sizes, SMALL } from "./bench/problem.ts";
import { type Report, results, toJson } from "./bench/report.ts";
import { table } from "./bench/table.ts";
import { withGpuErrors } from "./gpu_errors.ts";

const HELP = `Times the kernels on this machine's WebGPU adapter.

  deno task bench [options]

  --peers   run the same work in jax-js and tfjs too, and print how many times faster the kernels are
  --json    print the numbers as one JSON object, and nothing else, on stdout

Shares are of the rate at which the adapter copies a buffer, read plus write. Times are medians of rounds in
which everything takes its turn: by the GPU's timestamps, or by the clock for all alike where a peer runs
the same work. Rates of token statistics are in bytes of logits; their backward includes the forward. A
peer's results are compared with the kernels' before it is timed.

results/bench/README.md holds what was measured, and says how.
`;

/** GB/s of copying above which an adapter has memory of its own. */
const FAST = 150;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      peers: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  if (positionals.length > 0) {
    throw new UsageError(`${positionals[0]} was not expected (see --help).`);
  }
  const report = await withGpuErrors(() => bench(values.peers));
  if (values.json) console.log(toJson(report));
  else console.log(`${report.adapter}\n\n${table(report)}`);
  return true;
}

async function bench(withPeers: boolean): Promise<Report> {
  const gpu = await requestGpu();
  const ours = kernels(gpu);
  const peers: Peers = withPeers
    ? await openPeers(ours.adapter)
    : { libraries: new Map(), versions: {}, reasons: new Map() };
  try {
    const sizes = await chooseSizes(ours, gpu.device.limits.maxStorageBufferBindingSize);
    const measurements = await measure(problems(sizes), ours, peers.libraries, withProgress);
    return {
      adapter: ours.adapter,
      versions: { deno: Deno.version.deno, ...peers.versions },
      results: results(measurements, peers.reasons),
    };
  } finally {
    for (const library of [ours, ...peers.libraries.values()]) library.destroy();
  }
}

/** Large problems only for an adapter that copies fast, else they would take minutes. */
async function chooseSizes(ours: Library, largestBinding: number): Promise<Sizes> {
  if (4 * LARGE.copy > largestBinding) return SMALL;
  const measurements = await measure(copyProblems(SMALL.copy), ours, new Map(), withProgress);
  return results(measurements, new Map())[0]!.value > FAST ? LARGE : SMALL;
}

await runCommand(main);
