import type { Framework, RunnerUp } from "./run.ts";
import {
  benchmarkOf,
  isFormatTerm,
  mayBeScore,
  scopeOf,
  SCORE_RULES,
  scoreRank,
  type ScoreRule,
} from "./score_keys.ts";
import type { Series } from "./series.ts";
import { totalByValues } from "./total_by_values.ts";

/** The keys of one rule that a log holds, sorted out: which of them are averaged, and why not the others. */
export interface ScoreFamily {
  /** The rule. */
  readonly rule: ScoreRule;
  /** One key, or those of benchmarks that are peers. */
  readonly keys: readonly string[];
  /** Why these. */
  readonly because: string;
  /** The other keys of the rule, in the order of their preference. */
  readonly others: readonly RunnerUp[];
}

/** A key as the name of a benchmark, and how well it stands for it. */
interface Named {
  readonly key: string;
  readonly benchmark: string;
  /** Its benchmark's parts that name one, joined by `/`. */
  readonly scope: string;
  readonly rank: number;
}

/** A log whose keys are sorted into families. */
export interface KeyedLog {
  /** Its series by key. */
  readonly series: ReadonlyMap<string, Series>;
  /** Who wrote it. */
  readonly framework: Framework;
}

/**
 * The scores of a log by the rules that know them, in the order of the rules; a key belongs to the first
 * that knows it.
 */
export function familiesOf(log: KeyedLog): ScoreFamily[] {
  const keys = Array.from(log.series.keys()).filter(mayBeScore);
  if (keys.length === 0) return [];
  const rules = SCORE_RULES.filter(({ only }) => only === undefined || only === log.framework);
  const found = new Map<ScoreRule, Named[]>(rules.map((rule) => [rule, []]));
  for (const key of keys) {
    for (const rule of rules) {
      const benchmark = benchmarkOf(rule, key);
      if (benchmark === undefined) continue;
      found.get(rule)!.push({
        key,
        benchmark,
        scope: scopeOf(benchmark).join("/"),
        rank: scoreRank(key),
      });
      break;
    }
  }
  return Array.from(found).filter(([, named]) => named.length > 0)
    .map(([rule, named]) => familyOf(rule, named, log.series));
}

/**
 * What of a rule's keys is the score: of several keys for one benchmark the best, and of benchmarks those
 * that are peers: no part of another of them by its name, nor of one that is their mean or sum by its values,
 * no second name of the same values, no term of a reward beside its total.
 */
function familyOf(
  rule: ScoreRule,
  found: Named[],
  series: ReadonlyMap<string, Series>,
): ScoreFamily {
  const inLogOrder = new Set(found.map(({ scope }) => scope));
  // A sort keeps the log's order of what is equal.
  found.sort((left, right) => right.rank - left.rank);
  const others: RunnerUp[] = [];
  const leaveOut = ({ key }: Named, because: string) =>
    others.push({ keys: [key], count: series.get(key)!.values.length, because });
  const best = new Map<string, Named>();
  for (const named of found) {
    const rival = best.get(named.scope);
    if (rival === undefined) best.set(named.scope, named);
    else leaveOut(named, `the same problems as ${rival.key}`);
  }
  let peers = Array.from(best.values());
  if (rule.isPart) {
    for (const named of peers.slice(1)) leaveOut(named, "one term of the reward");
    return {
      rule,
      keys: [peers[0]!.key],
      because: "one term of the reward; no total is logged",
      others,
    };
  }
  const scopes = new Set(best.keys());
  peers = peers.filter((named) => {
    const whole = wholeOf(named.scope, scopes);
    if (whole === undefined) return true;
    leaveOut(named, `a part of ${best.get(whole)!.key}`);
    return false;
  });
  const hasTotal = best.size > peers.length;
  let distinct: Named[] = [];
  const firstOf = new Map<string, Named>();
  const isTerm = ({ benchmark }: Named) => isFormatTerm(benchmark);
  // Of a term and a score of the same values the score stays.
  for (const named of [...peers.filter((one) => !isTerm(one)), ...peers.filter(isTerm)]) {
    const values = series.get(named.key)!;
    const print = fingerprint(values);
    const twin = print === undefined ? undefined : firstOf.get(print);
    if (twin !== undefined && isSame(series.get(twin.key)!, values)) {
      leaveOut(named, `the same values as ${twin.key}`);
      continue;
    }
    distinct.push(named);
    if (print !== undefined && twin === undefined) firstOf.set(print, named);
  }
  const total = totalByValues(distinct.map(({ key }) => series.get(key)!));
  if (total !== undefined) {
    const { key } = distinct[total.place]!;
    for (const named of distinct) if (named.key !== key) leaveOut(named, `a part of ${key}`);
    return { rule, keys: [key], because: `the ${total.how} of the others, by its values`, others };
  }
  if (distinct.some((named) => !isTerm(named))) {
    distinct = distinct.filter((named) => {
      if (!isTerm(named)) return true;
      leaveOut(named, "one term of the reward");
      return false;
    });
  }
  // Peers stand in the order in which the log names them, not in that of their statistics.
  const keyOf = new Map(distinct.map(({ scope, key }) => [scope, key]));
  const keys = Array.from(inLogOrder, (scope) => keyOf.get(scope)).filter((key) =>
    key !== undefined
  );
  const because = keys.length > 1
    ? `the mean over ${keys.length} benchmarks that are peers`
    : hasTotal
    ? "the total, of which others are parts"
    : found.length > 1
    ? "the first by the order of preference"
    : "the only one of its kind";
  return { rule, keys, because, others };
}

/** The scope of which a scope is a part: one that begins as it does and is shorter. */
function wholeOf(scope: string, scopes: ReadonlySet<string>): string | undefined {
  if (scope !== "" && scopes.has("")) return "";
  for (let end = scope.indexOf("/"); end >= 0; end = scope.indexOf("/", end + 1)) {
    const whole = scope.slice(0, end);
    if (scopes.has(whole)) return whole;
  }
  return undefined;
}

/** What series of the same values share; undefined for fewer than 3 values and for a constant, which say nothing. */
function fingerprint({ values }: Series): string | undefined {
  if (values.length < 3 || values.every((value) => value === values[0])) return undefined;
  const middle = values[values.length >> 1];
  return [values.length, values[0], middle, values.at(-1)].join(" ");
}

function isSame(left: Series, right: Series): boolean {
  return left.values.length === right.values.length &&
    left.values.every((value, i) => value === right.values[i] && left.steps[i] === right.steps[i]);
}
