import { ReadError } from "../../formats/errors.ts";
import { joinScalars } from "./join_scalars.ts";
import type { Axis, Run } from "./run.ts";

/**
 * Puts together what W&B exports apart: a chart's CSV holds one metric of several runs, so the entropy
 * and the score of a run come in two files. Runs of such files that lack one of the two are joined with
 * the run of the same name that has it, if both charts are over the same step. What TensorBoard exports apart is put
 * together as {@linkcode joinScalars} does; all others stay as they are.
 *
 * @param refuse Is told once for each two files that cannot be joined, whose runs are then left out.
 * @throws {ReadError} by default in place of that: rows over time cannot be matched.
 */
export function joinExports(
  all: readonly Run[],
  refuse: (error: ReadError) => void = (error) => {
    throw error;
  },
): Run[] {
  const runs = joinScalars(all);
  const parts = new Map<string, Record<Part, Run[]>>();
  for (const run of runs) {
    const part = partOf(run);
    if (part === undefined) continue;
    let ofName = parts.get(run.name);
    if (ofName === undefined) parts.set(run.name, ofName = { entropy: [], score: [] });
    ofName[part].push(run);
  }
  // The first stands last, where it can be taken away at no cost.
  for (const { entropy, score } of parts.values()) {
    entropy.reverse();
    score.reverse();
  }
  const joined: Run[] = [];
  const used = new Set<Run>();
  const refused = new Set<string>();
  for (const run of runs) {
    if (used.has(run)) continue;
    const part = partOf(run);
    const other = part && parts.get(run.name)?.[part === "entropy" ? "score" : "entropy"].pop();
    if (other === undefined) joined.push(run);
    else {
      used.add(other);
      const [entropy, score] = part === "score" ? [other, run] : [run, other];
      const complaint = mismatch(entropy, score);
      if (complaint === undefined) joined.push(together(entropy, score));
      else if (!refused.has(complaint)) {
        refused.add(complaint);
        refuse(new ReadError(complaint));
      }
    }
  }
  return joined;
}

type Part = "entropy" | "score";

/** Which of the two a run of an export has; undefined if it has both or none, or is no export. */
function partOf(run: Run): Part | undefined {
  if (run.format !== "wandb-csv" || (run.entropy === undefined) === (run.score === undefined)) {
    return undefined;
  }
  return run.entropy === undefined ? "score" : "entropy";
}

/** Why two exports have no common step, in a sentence; undefined if they have. */
function mismatch(entropy: Run, score: Run): string | undefined {
  const [one, other] = [entropy.axis, score.axis];
  if (one === undefined || other === undefined) return undefined;
  if (one.isStep && other.isStep && one.column === other.column) return undefined;
  return `${entropy.source} has the entropy over ${named(one)} and ${score.source} the score over ${
    named(other)
  }, expected both over Step: export both charts with Step as their x-axis.`;
}

function named({ column }: Axis): string {
  return column === "" ? "no column" : JSON.stringify(column);
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
    notFinite: new Map([...entropy.notFinite, ...score.notFinite]),
    series: new Map([...entropy.series, ...score.series]),
    keys: new Map([...entropy.keys, ...score.keys]),
    malformed: {
      count: entropy.malformed.count + score.malformed.count,
      examples: [...entropy.malformed.examples, ...score.malformed.examples],
    },
    notes: [...entropy.notes, ...score.notes, `joined with the score in ${score.source}.`],
  };
}
