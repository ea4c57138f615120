import { FEWEST_PAIRS } from "../check_pairs.ts";
import { counted } from "../../formats/counted.ts";
import { ReadError } from "../../formats/errors.ts";
import { averagedBenchmarks, countOfMean } from "./averaged_benchmarks.ts";
import { entropyMeaning } from "./entropy_meaning.ts";
import { entropyUnit, inNats, whyNotInNats } from "./entropy_unit.ts";
import { ENTROPY_RULES, RESEMBLING_ENTROPY, SUMMED_ENTROPY } from "./entropy_keys.ts";
import { ELSEWHERE, isEntropyByWords, isScoreByWords } from "./keys.ts";
import { endingsOf, normalKey, wordsOf } from "./normal_key.ts";
import type { Choice, EntropySeries, FoundBy, Framework, RunnerUp, ScoreSeries } from "./run.ts";
import { familiesOf, type ScoreFamily } from "./score_family.ts";
import { SCORE_RULES } from "./score_keys.ts";
import type { Settings } from "./setting.ts";
import type { NotFinite } from "./series.ts";
import { type ScoredLog, toScore } from "./score_series.ts";
import { likeValidation } from "./training_scale.ts";

/** A log whose entropy and score are looked for. */
export interface Log extends ScoredLog {
  /** What errors call it. */
  readonly path: string;
  /** Who wrote it. */
  readonly framework: Framework;
  /** Values that are not finite, by key. */
  readonly notFinite: ReadonlyMap<string, NotFinite>;
  /** All its keys, those without a series too. */
  readonly keys: ReadonlyMap<string, number>;
  /** Its configuration, where it has one. */
  readonly config: Settings | undefined;
}

/** More runners-up say nothing to anybody. */
const MOST_RUNNERS_UP = 100;

/**
 * The policy entropy of a run: the series of a key that the caller named, else that of the best key, by its
 * whole name, its ending or its words; in nats where the name says bits. Undefined if the log has none.
 *
 * @throws {ReadError} if the caller named one whose unit cannot be turned into nats.
 */
export function chooseEntropy(
  log: Log,
  named: string | undefined,
): { entropy: EntropySeries; choice: Choice } | undefined {
  const { series, notes, framework, keys, config } = log;
  const found = named !== undefined
    ? { keys: [named], foundBy: "caller" as const }
    : entropyKeys(Array.from(series.keys()));
  const usable = found.keys.filter((key) => series.has(key));
  const key = usable.find((key) => series.get(key)!.values.length >= FEWEST_PAIRS) ?? usable[0];
  if (key === undefined) return undefined;
  const { foundBy } = found;
  if (entropyUnit(key) === "other") {
    throw new ReadError(
      `${log.path}: ${whyNotInNats(key)}; turn it into nats and log it under another key.`,
    );
  }
  if (foundBy === "ending" || foundBy === "words") {
    notes.push(
      `${key} is taken for the entropy by ${
        foundBy === "ending" ? "its ending" : "its words"
      }; if it is not, name another with --entropy-key.`,
    );
  }
  const { definition, measured } = foundBy === "words"
    ? RESEMBLING_ENTROPY
    : entropyMeaning(foundBy === "ending" ? knownEnding(key) : key, framework, {
      keys: keys.keys(),
      config,
    });
  return {
    entropy: inNats({ key, definition, measured, foundBy, ...series.get(key)! }, notes),
    choice: {
      because: named !== undefined
        ? "named by the caller"
        : usable.length > 1
        ? "the first by the order of preference"
        : "the only one",
      runnersUp: usable.filter((other) => other !== key).slice(0, MOST_RUNNERS_UP).map((other) => ({
        keys: [other],
        count: series.get(other)!.values.length,
        because: "another entropy",
      })),
    },
  };
}

/** The keys of an entropy, the best first, and how they were understood. */
function entropyKeys(all: readonly string[]): { keys: readonly string[]; foundBy: FoundBy } {
  const keys = all.filter((key) => entropyUnit(key) !== "other");
  const knownBy = (names: (key: string) => readonly string[]) =>
    byPreference(ENTROPY_RULES, keys, names).map(({ key }) => key);
  const exact = knownBy((key) => [normalKey(key)]);
  if (exact.length > 0) return { keys: exact, foundBy: "name" };
  const ending = knownBy((key) => isElsewhere(key) ? [] : endingsOf(key));
  if (ending.length > 0) return { keys: ending, foundBy: "ending" };
  return { keys: keys.filter(isEntropyByWords), foundBy: "words" };
}

/** The keys one of whose names a rule knows, each with the first such rule, in the order of the rules. */
function byPreference<Rule extends { readonly pattern: RegExp }>(
  rules: readonly Rule[],
  keys: readonly string[],
  namesOf: (key: string) => readonly string[],
): { readonly key: string; readonly rule: Rule }[] {
  const found: { key: string; rule: Rule; place: number }[] = [];
  for (const key of keys) {
    const names = namesOf(key);
    if (names.length === 0) continue;
    const place = rules.findIndex(({ pattern }) => names.some((name) => pattern.test(name)));
    if (place >= 0) found.push({ key, rule: rules[place]!, place });
  }
  // A sort keeps the log's order of what is equal.
  return found.sort((left, right) => left.place - right.place);
}

function knownEnding(key: string): string {
  return endingsOf(key).find((ending) =>
    ENTROPY_RULES.some(({ pattern }) => pattern.test(ending))
  ) ??
    key;
}

/** Whether a key is of an evaluation, of another model, or known to be no entropy per token. */
function isElsewhere(key: string): boolean {
  return SUMMED_ENTROPY.pattern.test(normalKey(key)) ||
    wordsOf(key).some((word) => ELSEWHERE.test(word));
}

/** The scores of a run. */
export interface ChosenScore {
  /** The performance, if the log has one. */
  readonly score?: ScoreSeries;
  /** The score on the training rollouts, if the log has one. */
  readonly trainingScore?: ScoreSeries;
  /** What the performance was chosen from. */
  readonly choice?: Choice;
}

/**
 * The performance of a run: the series of a key that the caller named, else one score of the best family of
 * keys, or the mean over its benchmarks where they are peers. With fewer than 4 validations and as many
 * training scores as a law needs it is the training score.
 */
export function chooseScore(log: Log, named: string | undefined): ChosenScore {
  const { series, notes } = log;
  const families = familiesOf(log).map((family) => averagedBenchmarks(family, log));
  const first = (kind: ScoreSeries["kind"]) => families.find(({ rule }) => rule.kind === kind);
  // A console log whose long lines were cut may have lost the better validation.
  const validation =
    families.find(({ rule, keys }) =>
      rule.kind === "validation" && countOfMean(keys, series) >= FEWEST_PAIRS
    ) ?? first("validation");
  const training = first("training");
  const quiet = { ...log, notes: [] };
  const trainingScore = training === undefined
    ? undefined
    : toScore(quiet, training.keys, { kind: "training", foundBy: "name" });
  const rest = trainingScore === undefined ? {} : { trainingScore };
  const beside = (score: ScoreSeries) =>
    trainingScore === undefined ? {} : { trainingScore: likeValidation(trainingScore, score, log) };
  if (named !== undefined) {
    if (!series.has(named)) return rest;
    const kind = families.find((family) => holds(family, named))?.rule.kind ?? "unknown";
    const score = toScore(log, [named], { kind, foundBy: "caller" });
    const choice = { because: "named by the caller", runnersUp: runnersUp(families, [named], log) };
    return { ...beside(score), score, choice };
  }
  const validations = validation === undefined ? 0 : countOfMean(validation.keys, series);
  const isFew = validations < FEWEST_PAIRS &&
    (trainingScore?.values.length ?? 0) >= FEWEST_PAIRS;
  const chosen = isFew && validation !== undefined
    ? training
    : validation ?? first("unknown") ?? training;
  if (chosen === undefined) return { ...rest, ...byEndingOrWords(log) };
  if (chosen === training && validation !== undefined) {
    const because = `there ${validations === 1 ? "is" : "are"} only ${
      counted(validations, "validation")
    }${
      validation.others.length === 0 ? "" : ` of ${validation.keys[0]}`
    }, and the law needs ${FEWEST_PAIRS} pairs`;
    notes.push(
      `${because}: so the score is that of the training rollouts, which rises and falls with the difficulty of the batches too; --score-key ${
        validation.keys[0]
      } would choose the validation.`,
    );
    const choice = { because, runnersUp: runnersUp(families, chosen.keys, log) };
    return { ...rest, score: trainingScore!, choice };
  }
  const score = toScore(log, chosen.keys, { kind: chosen.rule.kind, foundBy: "name" });
  const choice = {
    because: becauseOf(chosen, families, log),
    runnersUp: runnersUp(families, chosen.keys, log),
  };
  return { ...(chosen === training ? { trainingScore: score } : beside(score)), score, choice };
}

/** Why a family was chosen, if better ones have too few values or if it is the total of others. */
function becauseOf(
  chosen: ScoreFamily,
  families: readonly ScoreFamily[],
  log: ScoredLog,
): string {
  const { kind } = chosen.rule;
  const better = families[0] === chosen || families[0]?.rule.kind !== kind
    ? undefined
    : families[0];
  if (better !== undefined) {
    const count = counted(countOfMean(better.keys, log.series), "value");
    return `${chosen.because}; ${better.keys[0]} would come first, but has only ${count}`;
  }
  const hasTerms = chosen.keys.length === 1 &&
    families.some(({ rule }) => rule.isPart === true && rule.kind === kind && rule !== chosen.rule);
  return hasTerms ? "the total of a reward, not its terms" : chosen.because;
}

function holds({ keys, others }: ScoreFamily, key: string): boolean {
  return keys.includes(key) || others.some((other) => other.keys.includes(key));
}

/** All that was not chosen, the best first, each key once. */
function runnersUp(
  families: readonly ScoreFamily[],
  chosen: readonly string[],
  log: ScoredLog,
): RunnerUp[] {
  const taken = new Set(chosen);
  const found: RunnerUp[] = [];
  const add = (runnerUp: RunnerUp) => {
    if (found.length === MOST_RUNNERS_UP || runnerUp.keys.every((key) => taken.has(key))) return;
    for (const key of runnerUp.keys) taken.add(key);
    found.push(runnerUp);
  };
  for (const family of families) {
    if (!family.keys.some((key) => taken.has(key))) {
      add({
        keys: family.keys,
        count: countOfMean(family.keys, log.series),
        because: family.rule.isPart === true
          ? "one term of the reward"
          : family.rule.kind === "training"
          ? "the training rollouts"
          : family.rule.kind === "validation"
          ? "a validation"
          : "another score",
      });
    }
    for (const other of family.others) add(other);
  }
  return found;
}

/** The rules that hold for every framework. */
const RULES_OF_ALL = SCORE_RULES.filter(({ only }) => only === undefined);

/** The score of a log without any known name: the key with a known ending, else one whose words say it. */
function byEndingOrWords(log: Log): ChosenScore {
  const { series, notes } = log;
  const keys = Array.from(series.keys());
  const ending = byPreference(RULES_OF_ALL, keys, endingsOf)
    .map(({ key, rule }) => ({ key, kind: rule.kind, foundBy: "ending" as const }));
  const found = ending.length > 0 ? ending : keys.filter(isScoreByWords).map((key) => ({
    key,
    kind: "unknown" as const,
    foundBy: "words" as const,
  }));
  const best = found.find(({ key }) => series.get(key)!.values.length >= FEWEST_PAIRS) ?? found[0];
  if (best === undefined) return {};
  const { key, foundBy } = best;
  const words = wordsOf(key);
  const kind = words.some((word) => /^(?:eval|evaluation|val|valid|validation|test)$/.test(word))
    ? "validation"
    : words.some((word) => /^(?:train|training|rollout)$/.test(word))
    ? "training"
    : best.kind;
  notes.push(
    `${key} is taken for the score by ${
      foundBy === "ending" ? "its ending" : "its words"
    }; if it is not, name another with --score-key.`,
  );
  const score = toScore(log, [key], { kind, foundBy });
  const runnersUp = found.filter((other) => other !== best).slice(0, MOST_RUNNERS_UP)
    .map((other) => ({
      keys: [other.key],
      count: series.get(other.key)!.values.length,
      because: "another score",
    }));
  const choice = {
    because: found.length > 1 ? "the first by the order of preference" : "the only one",
    runnersUp,
  };
  return { score, choice, ...(kind === "training" ? { trainingScore: score } : {}) };
}
