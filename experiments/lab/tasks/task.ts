import { LabError } from "../errors.ts";
import type { RandomGenerator } from "./random.ts";
import type { Tokenizer } from "./vocabulary.ts";

/** A problem with a prompt; each task adds what it needs to verify a response. */
export interface Problem {
  /** What the policy reads. Two problems with the same prompt are the same problem. */
  readonly prompt: string;
}

/** What the verifier says of a response. */
export interface Verdict {
  /** Whether the response is finished and its answer right: the reward. */
  readonly correct: boolean;
  /** Whether the end token came within the task's longest response. */
  readonly finished: boolean;
}

/** How hard a problem is for the teacher, and so for a policy that learnt from it. */
export interface Difficulty {
  /** Operands of a chain (math), instructions of the shortest program (code). */
  readonly size: number;
  /** Which of the facts on the way to the answer the teacher mostly gets wrong. */
  readonly misconceptions: readonly number[];
}

/** Something that the teacher mostly gets wrong, and how to find out whether a policy does. */
export interface Misconception<P extends Problem> {
  /** The chance that the teacher gets it right. */
  readonly chance: number;
  /** The smallest problems that need it and no other misconception, a few of them. */
  readonly problems: readonly P[];
}

/** Draws a training problem; never one of a benchmark. */
export type ProblemSource<P extends Problem> = (random: RandomGenerator) => P;

/**
 * The training data of a run, for the comparison of training data in Fig. 13: `standard` spans all sizes,
 * `easy` and `hard` only the small or the large ones, and `narrow` is a few hundred problems of `standard`,
 * over and over.
 */
export const MIXTURES = ["standard", "easy", "hard", "narrow"] as const;

/** The name of a mixture. */
export type MixtureName = typeof MIXTURES[number];

/**
 * A family of problems that a program can verify. A task is made by a function of its
 * {@linkcode TeacherSettings} and holds no state: what it returns depends on its arguments alone.
 */
export interface Task<P extends Problem = Problem> {
  /** The name, as in a run's id. */
  readonly name: string;
  /** Text to tokens and back; one character is one token. */
  readonly tokenizer: Tokenizer;
  /** Tokens of the longest prompt. */
  readonly maxPromptTokens: number;
  /** Tokens of the longest response, the end token included. */
  readonly maxResponseTokens: number;
  /** The problems of the corpus that a base model is trained on, for {@linkcode Task.teacher} to solve. */
  readonly pretraining: ProblemSource<P>;
  /** The problems that a policy is trained on by RL. */
  readonly mixtures: Readonly<Record<MixtureName, ProblemSource<P>>>;
  /** Five held-out lists from easy to hard, by name as in the log's keys (see `validation.ts`). */
  readonly benchmarks: Readonly<Record<string, readonly P[]>>;
  /** A response as the fallible teacher writes it, ended by the end token. */
  teacher(problem: P, random: RandomGenerator): string;
  /** The well-formed, correct response that works every step out: what an instruct model is taught. */
  clean(problem: P): string;
  /** The correct response that gives the answer at once. */
  direct(problem: P): string;
  /** Judges any text, whatever the policy wrote; never throws. */
  verify(problem: P, response: string): Verdict;
  /** How hard the problem is. */
  difficulty(problem: P): Difficulty;
  /** The misconceptions that problems of the standard mixture need, from the rarest right one. */
  misconceptions(): readonly Misconception<P>[];
}

/** A task that cannot be made as it was asked for. */
export class TaskError extends LabError {
  /** The class, as `Error.name`. */
  override name = "TaskError";
}
