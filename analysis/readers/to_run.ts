import { ReadError } from "../../formats/errors.ts";
import { chooseEntropy, chooseScore } from "./choose.ts";
import { COMPANION_WORDS, type CompanionName } from "./companion_keys.ts";
import { companionOf } from "./companions.ts";
import { entropyUnit } from "./entropy_unit.ts";
import { frameworkOf } from "./frameworks.ts";
import { keyList } from "./key_list.ts";
import { isUnderstood, looksLike } from "./keys.ts";
import { normalKey } from "./normal_key.ts";
import { logName } from "./log_name.ts";
import type { LogRows } from "./reader.ts";
import { describeRepeats, type Repeats } from "./repeats.ts";
import type { LogFormat, Run, UnrecognisedKey } from "./run.ts";
import { isValidationKey } from "./score_keys.ts";
import { type Series, union } from "./series.ts";

/** What was read, and which keys are named. */
interface ReadRows {
  /** The source as output names it. */
  readonly path: string;
  readonly format: LogFormat;
  readonly rows: LogRows;
  /** The key of the policy entropy that the caller named. */
  readonly entropyKey?: string | undefined;
  /** The key of the performance that the caller named. */
  readonly scoreKey?: string | undefined;
}

/**
 * A run from what a format's reader collected: its entropy and its score are chosen, and what was decided
 * is noted.
 *
 * @throws {ReadError} if a key that was named is not there, or one is taken for the entropy and for the score.
 */
export function toRun({ path, format, rows, entropyKey, scoreKey }: ReadRows): Run {
  const series = rows.series.finish();
  const notFinite = rows.series.notFinite(series);
  const keys = new Map(Array.from(rows.series.counts, ([key, count]) => [key, count.finite]));
  const framework = format === "run-log" ? "entropy-lab" : frameworkOf(keys.keys());
  const notes: string[] = [...rows.notes];
  for (const key of [entropyKey, scoreKey]) {
    // A chart's export holds one metric: the other key may be in another file (see joinExports).
    if (key === undefined || series.has(key) || isExport(format)) continue;
    throw new ReadError(missingKey(path, key, rows));
  }
  const log = { path, series, notFinite, notes, framework, keys, config: rows.config };
  const chosen = chosenOf(log, { entropyKey, scoreKey });
  notes.push(...repeatNote(rows, series, [keysOf(chosen), series.keys()]));
  const { first, last } = rows.series.steps;
  return {
    source: path,
    name: rows.name === "" ? logName(path) : rows.name,
    format,
    framework,
    ...(format === "wandb-csv" && rows.axis !== undefined ? { axis: rows.axis } : {}),
    steps: { first, last },
    ...chosen,
    notFinite,
    series,
    keys,
    ...(rows.config === undefined ? {} : { config: rows.config }),
    ...(rows.plannedSteps === undefined ? {} : { plannedSteps: rows.plannedSteps }),
    malformed: rows.malformed,
    notes,
  };
}

/** What is said of steps that were logged again, of the keys of the first kind of which some were. */
function repeatNote(
  { series: { counts } }: LogRows,
  series: ReadonlyMap<string, Series>,
  kinds: readonly Iterable<string>[],
): string[] {
  for (const keys of kinds) {
    const repeats: Repeats[] = [];
    const steps: Float64Array[] = [];
    for (const key of keys) {
      const one = counts.get(key)?.repeats;
      if (one === undefined) continue;
      repeats.push(one);
      steps.push(series.get(key)!.steps);
    }
    if (repeats.length > 0) return [describeRepeats(repeats, union(steps))];
  }
  return [];
}

/** Whether a file of a format holds one metric, so that others of its run are in others. */
export function isExport(format: LogFormat): boolean {
  return format === "wandb-csv" || format === "tensorboard-csv";
}

/** What is chosen of the series of a run. */
export type Chosen = Pick<
  Run,
  "entropy" | "score" | "trainingScore" | "choices" | "unrecognised" | "validationKeys"
>;

/**
 * Chooses the entropy and the score of a run, and adds what was decided to its notes.
 *
 * @throws {ReadError} as {@linkcode toRun} does.
 */
export function chosenOf(
  log: Parameters<typeof chooseEntropy>[0] & Parameters<typeof chooseScore>[0],
  { entropyKey, scoreKey }: Pick<ReadRows, "entropyKey" | "scoreKey">,
): Chosen {
  const { path, series, keys, notes } = log;
  const chosenEntropy = chooseEntropy(log, entropyKey);
  const { score, trainingScore, choice } = chooseScore(log, scoreKey);
  const entropy = chosenEntropy?.entropy;
  if (entropy !== undefined && score?.keys.includes(entropy.key)) {
    throw new ReadError(
      `${path}: ${entropy.key} is taken for the entropy and for the score, expected two keys; name the other one with ${
        entropyKey === undefined ? "--score-key" : "--entropy-key"
      }.`,
    );
  }
  const chosen = {
    ...(entropy === undefined ? {} : { entropy }),
    ...(score === undefined ? {} : { score }),
    ...(trainingScore === undefined ? {} : { trainingScore }),
    choices: {
      ...(chosenEntropy === undefined ? {} : { entropy: chosenEntropy.choice }),
      ...(choice === undefined ? {} : { score: choice }),
    },
  };
  const used = keysOf(chosen);
  notes.push(...twinNotes(used, series));
  return {
    ...chosen,
    unrecognised: unrecognisedKeys(keys, series, used),
    validationKeys: Array.from(keys.keys()).filter((key) =>
      keys.get(key)! > 0 && isValidationKey(key)
    ),
  };
}

/** The keys of the entropy and of the score. */
function keysOf({ entropy, score }: Pick<Run, "entropy" | "score">): string[] {
  return [...(entropy === undefined ? [] : [entropy.key]), ...(score?.keys ?? [])];
}

/** Keys with numbers that look useful, whose names are not known, nor their endings, and whose words were not enough. */
function unrecognisedKeys(
  keys: ReadonlyMap<string, number>,
  series: ReadonlyMap<string, Series>,
  chosen: readonly string[],
): UnrecognisedKey[] {
  const found: UnrecognisedKey[] = [];
  const used = new Set(chosen);
  for (const [key, count] of keys) {
    const like = count === 0 || used.has(key) ? undefined : looksLike(key);
    if (like === "entropy" && entropyUnit(key) === "other") continue;
    if (like !== undefined && !isUnderstood(key)) found.push({ key, looksLike: like });
    if (found.length === MOST_UNRECOGNISED) break;
  }
  if (found.length === 0) return found;
  const companions = new Set(COMPANIONS.map((name) => companionOf({ series }, name)?.key));
  return found.filter(({ key }) => !companions.has(key));
}

/** Those that a key's words may tell. */
const COMPANIONS = Object.keys(COMPANION_WORDS) as CompanionName[];

/** More say nothing to anybody. */
const MOST_UNRECOGNISED = 200;

/** A sentence for each of up to three keys that are read as a chosen one is, and were not chosen. */
function twinNotes(chosen: readonly string[], series: ReadonlyMap<string, Series>): string[] {
  const used = new Set(chosen);
  const others = Array.from(series.keys()).filter((key) => !used.has(key));
  if (others.length === 0) return [];
  const chosenOf = new Map(chosen.map((key) => [normalKey(key), key]));
  const notes: string[] = [];
  for (const key of others) {
    const twin = chosenOf.get(normalKey(key));
    if (twin === undefined) continue;
    notes.push(`${key} is another writing of ${twin} and is not used.`);
    if (notes.length === 3) break;
  }
  return notes;
}

function missingKey(path: string, key: string, rows: LogRows): string {
  const count = rows.series.counts.get(key);
  const notFinite = (count?.notFinite ?? 0) + (count?.missing ?? 0);
  const what = notFinite > 0
    ? `holds no finite value under ${JSON.stringify(key)} (${notFinite} NaN, infinite or null)`
    : `has no key ${JSON.stringify(key)}`;
  const keys = Array.from(rows.series.counts).filter(([, count]) => count.finite > 0);
  return `${path} ${what}; ${keyList(keys.map(([key]) => key))}`;
}
