import { basename, dirname, join } from "node:path";
import { load, YAMLException } from "js-yaml";
import { ReadError } from "../../formats/errors.ts";
import { isObject } from "../../formats/json_object.ts";
import { LogSource } from "./log_source.ts";
import type { LogRows } from "./reader.ts";
import type { Settings } from "./setting.ts";

/** A configuration is a few tens of kilobytes. */
const LONGEST_CONFIG = 1 << 20;
/** References to other places could make a small file a large one. */
const LIMITS = { maxAliases: 16, maxDepth: 32 };
/** A configuration has a few hundred settings. */
const MOST_SETTINGS = 100_000;
/** What W&B adds to the settings of a run. */
const OWN_ENTRIES = ["wandb_version", "_wandb"];

/**
 * Adds what W&B keeps beside a log, the run's configuration in `files/config.yaml`, to rows that have none. Other
 * logs stay as they are.
 *
 * @param path The log: `files/output.log` or `run-*.wandb` in the folder of a run.
 */
export async function withWandbConfig(path: string, found: LogRows[]): Promise<LogRows[]> {
  const beside = configBeside(path);
  if (beside === undefined || found.every(({ config }) => config !== undefined)) return found;
  const read = await readConfig(beside);
  if (read === undefined) return found;
  return found.map((rows) =>
    rows.config !== undefined
      ? rows
      : typeof read === "string"
      ? { ...rows, notes: [...rows.notes, read] }
      : { ...rows, config: read }
  );
}

/** Where W&B has the configuration of a log; undefined if it is none of W&B's. */
function configBeside(path: string): string | undefined {
  const [name, folder] = [basename(path), dirname(path)];
  if (/^run-.*\.wandb$/.test(name)) return join(folder, "files", "config.yaml");
  return name === "output.log" ? join(folder, "config.yaml") : undefined;
}

/** The settings by their names; a sentence if they cannot be read; undefined if there are none. */
async function readConfig(path: string): Promise<Settings | string | undefined> {
  let text: string;
  try {
    await using source = await LogSource.open(path);
    text = new TextDecoder().decode(await source.head(LONGEST_CONFIG));
  } catch (error) {
    if (error instanceof ReadError) return undefined;
    throw error;
  }
  let written: unknown;
  try {
    written = load(text, LIMITS);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return `the configuration in ${basename(path)} beside the log cannot be read: ${
      error.reason ?? "it is no YAML"
    }.`;
  }
  if (!isObject(written)) return undefined;
  if (hasTooMany(written)) {
    return `the configuration in ${
      basename(path)
    } beside the log is not read: it refers to itself, or holds more than ${MOST_SETTINGS} settings with all that it refers to.`;
  }
  // Each setting lies in an object with its description.
  const settings = Object.entries(written).filter(([name]) => !OWN_ENTRIES.includes(name)).map((
    [name, value],
  ) => [name, isObject(value) && "value" in value ? value["value"] : value]);
  return settings.length === 0 ? undefined : Object.fromEntries(settings);
}

/** Whether objects and lists hold too many members, each counted wherever it is referred to. */
function hasTooMany(written: object): boolean {
  const open = [written];
  for (let count = 0, next = open.pop(); next !== undefined; next = open.pop()) {
    const members: unknown[] = Object.values(next);
    count += members.length;
    if (count > MOST_SETTINGS) return true;
    for (const member of members) {
      if (typeof member === "object" && member !== null) open.push(member);
    }
  }
  return false;
}
