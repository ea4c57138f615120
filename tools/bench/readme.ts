/** `deno run --allow-read tools/bench/readme.ts REPORT.json…`: results/bench/README.md from its reports. */
import type { Report } from "./report.ts";
import { table } from "./table.ts";

const HEAD = `# Benchmarks

How fast the kernels are, beside [jax-js](https://jax-js.com) and
[tfjs](https://github.com/tensorflow/tfjs) on the same adapter in the same run; ×3 means three times as
fast as that library. Made with

    deno task bench --peers --json > results/bench/NAME.json
    deno run --allow-read tools/bench/readme.ts results/bench/*.json > results/bench/README.md

Shares are those of the bytes that have to be moved in what a copy moves in the same time;
tools/bench/problem.ts says what counts. Rates of token statistics are in bytes of logits, and their
backward includes the forward.

The peers are written with the functions that they offer for this: log-softmax, gather, top-k, and in
jax-js \`jit\` and \`grad\`. Formulas taken apart by hand do better in jax-js on llvmpipe: token statistics
from log-sum-exp and exp(z − log Z) up to three times, a gradient written out instead of \`grad\` twice.
`;

/** The page for some reports. */
export function readme(reports: readonly Report[]): string {
  const sections = reports.map((report) =>
    `\n## ${report.adapter}\n\n${table(report)}\n\nDeno ${report.versions["deno"]}.\n`
  );
  return HEAD + sections.join("");
}

if (import.meta.main) {
  const reports = Deno.args.map((path) => JSON.parse(Deno.readTextFileSync(path)) as Report);
  Deno.stdout.writeSync(new TextEncoder().encode(readme(reports)));
}
