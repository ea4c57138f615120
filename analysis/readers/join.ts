import type { Run } from "./run.ts";

/**
 * Puts together what W&B exports apart: a chart's CSV holds one metric of several runs, so the entropy
 * and the score of a run come in two files. Runs of such files that lack one of the two are joined with
 * the run of the same name that has it; all others stay as they are.
 */
export function joinExports(runs: readonly Run[]): Run[] {
  const joined: Run[] = [];
  const used = new Set<Run>();
  for (const run of runs) {
    if (used.has(run)) continue;
    const other = runs.find((other) => !used.has(other) && completes(run, other));
    if (other === undefined) joined.push(run);
    else {
      used.add(other);
      joined.push(run.entropy === undefined ? together(other, run) : together(run, other));
    }
  }
  return joined;
}

function completes(run: Run, other: Run): boolean {
  const isExport = run.format === "wandb-csv" && other.format === "wandb-csv";
  const complements = (run.entropy === undefined) !== (other.entropy === undefined) &&
    (run.score === undefined) !== (other.score === undefined) &&
    (run.entropy === undefined) !== (run.score === undefined);
  return isExport && run.name === other.name && complements;
}

/** The run that has the entropy, with the score of the other. */
function together(entropy: Run, score: Run): Run {
  return {
    ...entropy,
    // verl's keys may all be in the file of the score, and the framework decides how they are paired.
    framework: entropy.framework === "unknown" ? score.framework : entropy.framework,
    steps: {
      first: Math.min(entropy.steps.first, score.steps.first),
      last: Math.max(entropy.steps.last, score.steps.last),
    },
    ...(score.score === undefined ? {} : { score: score.score }),
    validationKeys: [...entropy.validationKeys, ...score.validationKeys],
    series: new Map([...entropy.series, ...score.series]),
    keys: new Map([...entropy.keys, ...score.keys]),
    malformed: {
      count: entropy.malformed.count + score.malformed.count,
      examples: [...entropy.malformed.examples, ...score.malformed.examples],
    },
    notes: [...entropy.notes, ...score.notes, `joined with the score in ${score.source}.`],
  };
}
