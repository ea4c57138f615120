import { basename } from "node:path";
import type { Run } from "./readers/run.ts";

/** What a sentence calls a run: its log, and its name where that is not the log's. */
export function runLabel({ source, name }: Pick<Run, "source" | "name">): string {
  if (name === basename(source)) return source;
  return `${source} (${/^run \d/.test(name) ? name : `run ${name}`})`;
}
