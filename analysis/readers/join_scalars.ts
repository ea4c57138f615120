import { dirname } from "node:path";
import { counted } from "../../formats/counted.ts";
import { frameworkOf } from "./frameworks.ts";
import type { Run } from "./run.ts";
import { chosenOf } from "./to_run.ts";

/**
 * Puts together what TensorBoard's page exports apart, a file for each metric: the files of one run in one folder are
 * one run, whose entropy and score are chosen from all of them. Other runs stay as they are.
 */
export function joinScalars(runs: readonly Run[]): Run[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    if (run.format !== "tensorboard-csv") continue;
    const of = groupOf(run);
    groups.set(of, [...(groups.get(of) ?? []), run]);
  }
  return runs.flatMap((run) => {
    const parts = run.format === "tensorboard-csv" ? groups.get(groupOf(run))! : [run];
    return parts.length === 1 ? [run] : parts[0] === run ? [together(parts)] : [];
  });
}

function groupOf({ source, name }: Run): string {
  return JSON.stringify([dirname(source), name]);
}

/** A note on a choice that only one file was asked for. */
const CHOICE_NOTE = / is taken for the (?:entropy|score) by /;

function together(parts: readonly Run[]): Run {
  const [first] = parts;
  const series = new Map(parts.flatMap(({ series }) => Array.from(series)));
  const keys = new Map(parts.flatMap(({ keys }) => Array.from(keys)));
  const framework = frameworkOf(keys.keys());
  const { source, name, format } = first!;
  const notes = [
    ...new Set(parts.flatMap((part) => part.notes).filter((note) => !CHOICE_NOTE.test(note))),
    `joined from ${counted(parts.length, "file")} of its folder, a metric each.`,
  ];
  const entropyKey = parts.find(({ entropy }) => entropy?.foundBy === "caller")?.entropy?.key;
  const scoreKey = parts.find(({ score }) => score?.foundBy === "caller")?.score?.keys[0];
  const notFinite = new Map(parts.flatMap(({ notFinite }) => Array.from(notFinite)));
  const log = { path: source, series, notFinite, notes, framework, keys, config: undefined };
  return {
    source,
    name,
    format,
    framework,
    steps: {
      first: Math.min(...parts.map(({ steps }) => steps.first)),
      last: Math.max(...parts.map(({ steps }) => steps.last)),
    },
    ...chosenOf(log, { entropyKey, scoreKey }),
    notFinite,
    series,
    keys,
    malformed: {
      count: parts.reduce((sum, { malformed }) => sum + malformed.count, 0),
      examples: parts.flatMap(({ malformed }) => malformed.examples),
    },
    notes,
  };
}
