import { normalKey, withAt } from "./normal_key.ts";
import type { Framework } from "./run.ts";

/** A family of keys under which performance is logged. */
export interface ScoreRule {
  /** Matches the normal form of the key; the group `benchmark`, where there is one, names the test set. */
  readonly pattern: RegExp;
  /** Held-out problems, the training rollouts, or not told by the key. */
  readonly kind: "validation" | "training" | "unknown";
  /** Whether each key is one term of a reward, so that only one of them is taken. */
  readonly isPart?: boolean;
  /** The one framework whose keys are meant, where the pattern alone would say too little. */
  readonly only?: Framework;
}

// verl's own families have rules of their own.
const HELD = "(?!val-(?:aux|core)/)(?:eval/)?(?:eval|val|validation|test)[-/]";
const NO_TERM = "(?!(?:.+/)?rewards/(?!(?:mean|avg|total)$))";
const NAMED = "(?:(?<benchmark>.+?)[-/])?";
const MEAN = "(?:/(?:mean|avg))?";
const ACCURACY =
  "(?:acc(?:uracy)?(?:/reward)?|(?:objective/)?(?:verifiable/)?correct(?:/rate)?|pass(?:@?1|/rate)?|(?:(?:acc(?:uracy)?|rewards?|scores?)/)?(?:avg|mean)@\\d+|success(?:/rate)?|solve/rate|exact/match)";
const REWARD =
  "(?:(?:overall|mean|avg|total|task)/)?(?:rewards?|scores?|return)(?:/(?:score|overall|total|sum))?|test/score|objective/scores|objective/verifiable/reward";
// A set that is named behind what is measured: eval/acc_hard, val/score/algebra.
const OF_SET =
  "(?<benchmark>(?!(?:[^/-]+[/-])*(?:std|stderr|var|se|ci|min|max|median|count|num|total|lower|upper|best|maj|worst|loss|delta|step|time|rate|reward|rewards|model|baseline|threshold|target)(?:[/-]|$))[a-z][^@]*)";
const BEST = "(?:pass(?:@|/)?|best@|maj@|best/of/)\\d+";

/**
 * The keys of performance in order of preference: validation before training, accuracy before reward, a
 * total before its terms. All keys of the first family that the log holds are benchmarks; of one
 * benchmark the best key counts (see {@linkcode scoreRank}), and what is a part of another benchmark is
 * left out of the mean.
 */
export const SCORE_RULES: readonly ScoreRule[] = [
  {
    pattern:
      /^val-core\/(?<benchmark>.+)\/(?:acc|reward|score)\/(?:mean|maj|best)@\d+(?:\/mean)?$/d,
    kind: "validation",
  },
  { pattern: /^val\/(?:test\/)?score[-/]all$/, kind: "validation" },
  { pattern: /^(?:val\/)?test\/score\/(?<benchmark>.+)$/d, kind: "validation" },
  {
    // tinker-cookbook, where an evaluator may have a name.
    pattern:
      /^test\/(?:(?<benchmark>.+)\/)?env\/all\/(?:correct|pass\/rate|acc(?:uracy)?|reward\/total)$/d,
    kind: "validation",
  },
  { pattern: /^val\/correct\/(?<benchmark>.+)\/mean$/d, kind: "validation" }, // ROLL
  {
    pattern: new RegExp(
      `^${HELD}${NO_TERM}(?:${NAMED}${ACCURACY}${MEAN}|(?:acc(?:uracy)?|pass@1|success/rate)/${OF_SET})$`,
      "d",
    ),
    kind: "validation",
  },
  {
    pattern: new RegExp(
      `^${HELD}${NO_TERM}(?:${NAMED}(?:${REWARD})${MEAN}|scores?/${OF_SET})$`,
      "d",
    ),
    kind: "validation",
  },
  {
    pattern: /^eval\/(?<benchmark>(?!(?:loss|step|epoch|runtime)$)(?:(?!-truncated)[^/@])+)$/d, // The mean reward of a set.
    kind: "validation",
    only: "slime",
  },
  { pattern: new RegExp(`^${HELD}${NAMED}${BEST}${MEAN}$`, "d"), kind: "validation" },
  {
    pattern: /^val-aux\/(?<benchmark>.+)\/(?:acc|reward|score)\/(?:mean|maj|best)@\d+(?:\/mean)?$/d,
    kind: "validation",
  },
  {
    pattern: new RegExp(`^${HELD}(?:.+/)?rewards/(?<benchmark>.+?)${MEAN}$`, "d"), // TRL, ms-swift
    kind: "validation",
    isPart: true,
  },
  {
    pattern: /^(?:performance|accuracy|acc|score|pass@\d+|success\/rate)(?:\/percent)?$/,
    kind: "unknown",
  },
  { pattern: /^episode\/success\/rate$/, kind: "training" }, // verl-agent
  { pattern: /^critic\/correct\/mean$/, kind: "training" }, // ROLL
  { pattern: /^critic\/score\/mean$/, kind: "training" },
  { pattern: /^critic\/rewards\/mean$/, kind: "training" },
  { pattern: /^env\/all\/(?:correct|pass\/rate|acc(?:uracy)?|reward\/total)$/, kind: "training" },
  {
    pattern:
      /^(?:(?:train|training|rollout|objective|reward)\/)?(?:accuracy|acc|(?:verifiable\/)?correct\/rate|success\/rate|solve\/rate|avg\/pass@1)(?:\/(?:mean|avg))?$/,
    kind: "training",
  },
  {
    pattern:
      /^(?:(?:train|training|rollout)\/)?(?:reward|rewards|reward\/mean|rewards\/mean|(?:all\/)?reward\/(?:(?:all|effective)\/)?mean|raw\/reward|reward\/avg\/raw\/reward|task\/reward|reward\/overall|score\/mean)$/,
    kind: "training",
  },
  {
    pattern:
      /^(?:ppo\/actor\/task\/reward(?:\/avg)?|(?:objective\/)?scores|objective\/verifiable\/reward|episode\/reward\/mean|(?:train\/)?return|reward\/avg\/pass@\d+)$/,
    kind: "training",
  },
  {
    pattern: /^(?:train\/)?rewards\/(?<benchmark>.+?)(?:\/(?:mean|avg))?$/d, // TRL, ms-swift
    kind: "training",
    isPart: true,
  },
];

const ANY_SCORE = new RegExp(
  SCORE_RULES.map(({ pattern: { source } }) => source.replaceAll("?<benchmark>", "?:")).join("|"),
);

/**
 * The benchmark that a key of a family names, as the key writes it: `math_500` and `math.500` are two, though
 * their normal form is one. Empty if it names none; undefined if the key is not of the family.
 */
export function benchmarkOf({ pattern, only }: ScoreRule, key: string): string | undefined {
  // A set's name may hold what the normal form takes for a path.
  const normal = only === undefined ? normalKey(key) : key.toLowerCase();
  const match = pattern.exec(normal);
  if (match === null) return undefined;
  const place = match.indices?.groups?.["benchmark"];
  if (place === undefined) return "";
  // A few capital letters of other scripts are longer in lower case.
  const written = withAt(key);
  return (normal.length === written.length ? written : normal).slice(...place);
}

/** Whether a key may be of one of the families. */
export function mayBeScore(key: string): boolean {
  return ANY_SCORE.test(normalKey(key)) || /^eval\//i.test(key);
}

/** Parts of a benchmark's name that name none; `effective` leaves some rollouts out. */
const WHOLE =
  /^(?:all|overall|total|combined|average|avg|mean|macro|micro|(?:macro|micro)_(?:avg|average|mean)|aggregate|effective|objective)$/i;

/** The parts of a benchmark's name, but for those that say it is of all: empty for a total. */
export function scopeOf(benchmark: string): string[] {
  return benchmark.split("/").filter((part) => part !== "" && !WHOLE.test(part));
}

/**
 * How well a key stands for its benchmark: the mean of single responses before majority and best of many,
 * accuracy before reward, more samples first.
 */
export function scoreRank(key: string): number {
  const normal = normalKey(key);
  const statistic = /\b(mean|avg|pass|maj|best)[@/]?(\d+)(?:\/mean)?$/.exec(normal);
  const kinds = ["best", "maj", "pass", "avg", "mean"];
  const kind = kinds.indexOf(statistic?.[1] ?? "");
  const samples = Math.min(9999, Number(statistic?.[2] ?? 2));
  const isPass = kind === 2;
  const isSingle = kind < 0 || kind > 2 || (isPass && samples === 1);
  return (isSingle ? 1e7 : 0) + (namesAccuracy(key) ? 1e6 : 0) +
    1e4 * (isPass && isSingle ? -2 : kind) + (isPass ? -samples : samples) -
    (/\/effective\//.test(normal) ? 0.5 : 0);
}

/** Whether a key names an accuracy. */
export function namesAccuracy(key: string): boolean {
  return /\b(?:acc|accuracy|pass\d*|success|solve|correct)\b|pass@|accuracy$|percent/.test(
    normalKey(key),
  );
}

/** Whether a key names what is in percent where its values are above 1: a reward for accuracy may be 2. */
export function mayBePercent(key: string): boolean {
  return namesAccuracy(key) && !/\breward\b/.test(normalKey(key));
}

/** Whether a benchmark's name is a term of a reward that says nothing of the answer. */
export function isFormatTerm(benchmark: string): boolean {
  return /(?:^|[_/-])(?:format|length|penalty|language|repetition|tag|soft|overlong)(?:$|[_/-])/i
    .test(benchmark);
}

const VALIDATION_KEY = /^(?:val|test|eval|validation)(?:[-/]|$)/;

/** Whether a key is of a validation and may be offered as a score: no spread, extreme or count. */
export function isValidationKey(key: string): boolean {
  const normal = normalKey(key);
  return VALIDATION_KEY.test(normal) &&
    !/\b(?:std|min|max|(?<!reward\/)total|num|runtime|per|step|entropy|length|lengths)\b/.test(
      normal,
    );
}
