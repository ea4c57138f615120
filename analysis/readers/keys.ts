import {
  COMPANION_RULES,
  COMPANION_WORDS,
  MISMATCH_KEYS,
  REWARD_ENDS,
  REWARD_SPREAD,
} from "./companion_keys.ts";
import { ENTROPY_RULES, SUMMED_ENTROPY } from "./entropy_keys.ts";
import { endingsOf, normalKey, wordsOf } from "./normal_key.ts";
import type { LooksLike } from "./run.ts";
import { SCORE_RULES } from "./score_keys.ts";

const PATTERNS: readonly RegExp[] = [
  ...ENTROPY_RULES.map(({ pattern }) => pattern),
  SUMMED_ENTROPY.pattern,
  ...SCORE_RULES.filter(({ only }) => only === undefined).map(({ pattern }) => pattern),
  ...Object.values(COMPANION_RULES).flat(),
  MISMATCH_KEYS,
  REWARD_ENDS,
  REWARD_SPREAD,
];

/** All of them in one, as a log may have very many keys. */
const EXACT = new RegExp(
  PATTERNS.map(({ source }) => `(?:${source.replaceAll("?<benchmark>", "?:")})`).join("|"),
);

/**
 * Keys that look useful, are known, and are none of what is looked for: entropies of one data set, prime-rl's
 * KL in units of the entropy, verl-agent's subtasks, verl's worst of k, NeMo-RL's mean of clamped ratios (it is near 1),
 * TRL's length of the responses that were not cut off.
 */
const OTHERS =
  /^(?:train\/entropy\/[^/]+|kl\/ent\/ratio(?:\/.+)?|episode\/.+\/success\/rate|val-.+\/worst@\d+\/mean|(?:train\/)?probs\/ratio(?:\/clamped)?|(?:train\/)?completions\/mean\/terminated\/length)$/;

/** Whether a key's whole name is known here. */
export function isKnown(key: string): boolean {
  return EXACT.test(normalKey(key));
}

/** Whether an analysis here may need the values of a key. */
export function isNeeded(key: string): boolean {
  if (isUnderstood(key) || isEntropyByWords(key) || isScoreByWords(key)) return true;
  return Object.values(COMPANION_WORDS).some((words) => hasWords(key, words));
}

/** Whether a key's whole name or its ending is known here. */
export function isUnderstood(key: string): boolean {
  return isKnown(key) || isSlimeScore(key) || isKnownEnding(key) || OTHERS.test(normalKey(key));
}

function isKnownEnding(key: string): boolean {
  return endingsOf(key).some((ending) => EXACT.test(ending));
}

/** `eval/<set>` of slime; its pattern says too little to stand among the known names. */
function isSlimeScore(key: string): boolean {
  return SCORE_RULES.some(({ only, pattern }) => only !== undefined && pattern.test(key));
}

/** Whether all of some words occur in a key, and none of others. */
export function hasWords(
  key: string,
  { all, none }: { readonly all: readonly RegExp[]; readonly none: RegExp },
): boolean {
  const words = wordsOf(key);
  return all.every((pattern) => words.some((word) => pattern.test(word))) &&
    !words.some((word) => none.test(word));
}

/** A word of a key that is of an evaluation, or of another model than the policy. */
export const ELSEWHERE =
  /^(?:eval|evaluation|val|valid|validation|test|ref|reference|teacher|reward|rm|sft)$/;

const NO_VALUE =
  /^(?:std|var|min|max|median|p\d+|count|num|number|total|sum|coef|coeff|coefficient|weight|bonus|target|threshold|lr|time|steps?|epoch|loss|delta|diff|change|grad|baseline|advantage|advantages|clip|clipped|norm|len|length|lengths|tokens|kl)$/;
const NO_ENTROPY =
  /^(?:cross|ratio|ent|top|high|low|quantile|mask|masked|frac|fraction|percentile|adaptive|relative|exploration|critic|value)$/;

/** Whether a key's words say that it is the policy's entropy. */
export function isEntropyByWords(key: string): boolean {
  const words = wordsOf(key);
  return words.some((word) => /^(?:entropy|entropies)$/.test(word)) &&
    !words.some((word) => NO_VALUE.test(word) || NO_ENTROPY.test(word) || ELSEWHERE.test(word)) &&
    !SUMMED_ENTROPY.pattern.test(normalKey(key));
}

/** Whether a key is of the policy's entropy, by its name or its words. */
export function isEntropyKey(key: string): boolean {
  const normal = normalKey(key);
  return ENTROPY_RULES.some(({ pattern }) => pattern.test(normal)) || isEntropyByWords(key);
}

/** Whether a key is of a loss, whose values no analysis here needs but for whether they are finite. */
export function isLoss(key: string): boolean {
  return /(?:^|\/)loss(?:\/(?:mean|avg))?$/.test(normalKey(key));
}

const SCORE_WORD =
  /^(?:reward|rewards|score|scores|acc|accuracy|success|correct|correctness|solved|return|returns|winrate|pass)$/;

/** Whether a key's words say that it is a score. */
export function isScoreByWords(key: string): boolean {
  const words = wordsOf(key);
  return words.some((word) => SCORE_WORD.test(word)) &&
    !words.some((word) =>
      NO_VALUE.test(word) || /^(?:zero|frac|model|rm|format|penalty|truncated|entropy)$/.test(word)
    );
}

const LOOKS: readonly (readonly [LooksLike, RegExp])[] = [
  ["entropy", /^(?:entrop(?:y|ies)|ent)$/],
  ["truncation", /^(?:truncated|truncation|truncate)$/],
  ["clip fraction", /^(?:clipfrac|clip|clipped|clamped)$/],
  ["KL", /^(?:kl|k[123]|kld|approxkl)$/],
  ["gradient norm", /^(?:gradnorm|gnorm|grad|gradient)$/],
  ["response length", /^(?:length|lengths|len|lens|seqlen)$/],
  ["score", SCORE_WORD],
  ["score", /^quality$/],
];
const NOT_MEANT =
  /^(?:std|var|min|max|median|p\d+|count|num|total|sum|coef|coeff|coefficient|weight|beta|target|threshold|lr|time|timing|loss|critic|vf|value|prompt|input|eps|epsilon|low|high|lower|upper|dual|runtime|perf|mfu|memory|global)$/;

/** What a key of no known name seems to be of, by its words; undefined if nothing that is looked for here. */
export function looksLike(key: string): LooksLike | undefined {
  const words = wordsOf(key);
  if (words.some((word) => NOT_MEANT.test(word))) return undefined;
  return LOOKS.find(([, pattern]) => words.some((word) => pattern.test(word)))?.[0];
}
