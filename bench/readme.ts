/** `deno run --allow-read bench/readme.ts REPORT.json…`: results/bench/README.md from its reports. */
import ledger from "../results/bench/ledger.md" with { type: "text" };
import type { Report } from "./report.ts";
import { table } from "./table.ts";
import type { TrainReport } from "./train/train_report.ts";
import { trainTables } from "./train/tables.ts";

/** What a file in results/bench holds. */
export type AnyReport = Report | TrainReport;

const HEAD = `# Benchmarks

How fast the kernels are, beside [jax-js](https://jax-js.com) and
[tfjs](https://github.com/tensorflow/tfjs) on the same adapter in the same run; ×3 means three times as
fast as that library. Beside a software adapter [PyTorch](https://pytorch.org) does the matrix products and
the update on the same processor, where it is installed: eager, on one thread or two, whichever is faster.
Where a table has no peers, it was made without \`--peers\`.
Made with

    deno task bench --peers --json > results/bench/NAME.json
    deno task bench train --peers --json > results/bench/NAME.train.json
    deno run --allow-read bench/readme.ts results/bench/*.json > results/bench/README.md

Shares are those of the bytes that have to be moved in what a copy moves in the same time;
bench/bench_problem.ts says what counts. Rates of token statistics are in bytes of logits, and their
backward includes the forward.

The peers are written with the functions that they offer for this: log-softmax, gather, top-k, and in
jax-js \`jit\` and \`grad\`. Formulas taken apart by hand do better in jax-js on llvmpipe: token statistics
from log-sum-exp and exp(z − log Z) up to three times, a gradient written out instead of \`grad\` twice.
`;

const TRAINING = `
# Training

Steps are those of \`deno task train\` on the math task, with an untrained policy and with responses that no
token ends: all are as long as can be, none is filtered out. They are without the reference KL, which is one
forward pass of the base model more, taken in the steps that validate. Times are by the clock, the median step's;
phases are by the GPU's timestamps, but for verification and advantages, which are on the CPU, and \`other\`:
recording, submitting and reading. bench/train/operations.ts says which operations count.

The update that peers make too is of sequences of one length, so that nothing is padded: forward, backward, the
gradient's norm, AdamW. Its loss is a sum of log-probabilities with given weights, not PPO's, and nothing is clipped.
In jax-js, which takes no norm, it is one function under \`jit\` with \`valueAndGrad\`; in PyTorch it is eager. A peer's
loss, moments and parameters are compared with the lab's first.
`;

/** The page for some reports. */
export function readme(reports: readonly AnyReport[]): string {
  const [ofKernels, ofTraining] = [true, false].map((wanted) =>
    reports.filter((report) => "results" in report === wanted)
  );
  return HEAD + ofKernels!.map(section).join("") +
    (ofTraining!.length === 0 ? "" : TRAINING) + ofTraining!.map(section).join("") + ledger;
}

function section(report: AnyReport): string {
  const tables = "results" in report ? table(report) : trainTables(report);
  const { adapter, processor, versions } = report;
  const where = processor === undefined ? "" : ` on ${processor}`;
  return `\n## ${adapter}\n\nDeno ${versions["deno"]}${where}.\n\n${tables}\n`;
}

if (import.meta.main) {
  const reports = Deno.args.map((path) => JSON.parse(Deno.readTextFileSync(path)) as AnyReport);
  Deno.stdout.writeSync(new TextEncoder().encode(readme(reports)));
}
