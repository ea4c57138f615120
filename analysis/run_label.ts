import { logName } from "./readers/log_name.ts";
import type { Run } from "./readers/run.ts";

type Named = Pick<Run, "source" | "name">;

/** What a sentence calls a run: its log, and its name where that is not the log's. */
export function runLabel({ source, name }: Named): string {
  if (name === logName(source)) return source;
  return `${source} (${/^run \d/.test(name) ? name : `run ${name}`})`;
}

/** What each of several runs is headed by: its name, and its log where that is the name of several. */
export function runHeadings(runs: readonly Named[]): string[] {
  const names = runs.map(({ name }) => name);
  return runs.map(({ name, source }) =>
    names.indexOf(name) === names.lastIndexOf(name)
      ? name
      : name === logName(source)
      ? source
      : `${name} (${source})`
  );
}
