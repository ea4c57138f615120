/** `deno task bench [train] [--peers]`: how fast the kernels, or the lab's training, are on this adapter. */
import { benchKernels } from "../bench/bench_kernels.ts";
import { toJson } from "../bench/report.ts";
import { table } from "../bench/table.ts";
import { benchTrain } from "../bench/train/bench_train.ts";
import { trainTables } from "../bench/train/tables.ts";
import { expectNoOthers, parseArguments } from "./common/arguments.ts";
import { runCommand, withProgress } from "./common/command.ts";

const HELP = `Times the kernels, or the lab's training, on this machine's WebGPU adapter.

  deno task bench [options]         every kernel
  deno task bench train [options]   GRPO steps of the lab: tokens/s, where the time goes, how it grows

  --peers   run the same work in jax-js (and the kernels' in tfjs) too, and print the ratio of the rates; on a
            software adapter, the matrix products and the update in PyTorch too, where python3 finds it, or how to
            get it
  --json    print the numbers as one JSON object, and nothing else, on stdout

Shares are of the rate at which the adapter copies a buffer, read plus write. Times are medians of rounds in
which everything takes its turn: by the GPU's timestamps, or by the clock for all alike where a peer runs
the same work. Rates of token statistics are in bytes of logits; their backward includes the forward. A
peer's results are compared with the kernels' before it is timed.

Steps of training are those of deno task train on the math task, by the clock, with phases by the GPU's
timestamps. The policy is untrained and no token ends its responses: all 512 have 32 tokens, or the 16 of the
study's steps, and are trained on. A peer makes the update of one minibatch: forward, backward, AdamW. PyTorch runs eager, on one thread or
two, whichever is faster.

results/bench/README.md holds what was measured, and says how.
`;

const OPTIONS = {
  peers: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  const [what, ...others] = positionals;
  expectNoOthers(what === "train" ? others : positionals);
  if (what === "train") {
    const report = await benchTrain(values.peers, withProgress);
    console.log(values.json ? toJson(report) : `${report.adapter}\n\n${trainTables(report)}`);
    return true;
  }
  const report = await benchKernels(values.peers, withProgress);
  console.log(values.json ? toJson(report) : `${report.adapter}\n\n${table(report)}`);
  return true;
}

await runCommand(main);
