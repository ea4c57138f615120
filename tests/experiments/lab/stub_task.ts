/** A task whose problems and verdicts a test makes up, and a policy small enough to write to it. */
import { type ModelConfig, modelConfig } from "../../../experiments/lab/families.ts";
import { initialParameters } from "../../../experiments/lab/initial_parameters.ts";
import type {
  MixtureName,
  Problem,
  ProblemSource,
  Task,
  Verdict,
} from "../../../experiments/lab/tasks/task.ts";
import { END, PAD, type Tokenizer } from "../../../experiments/lab/tasks/vocabulary.ts";

const CHARACTERS = `${PAD}${END}abcdefg`;

/** One character is one token, and there are no more tokens than characters. */
export const STUB_TOKENIZER: Tokenizer = {
  characters: CHARACTERS,
  paddedSize: CHARACTERS.length,
  pad: CHARACTERS.indexOf(PAD),
  end: CHARACTERS.indexOf(END),
  encode: (text) => Uint32Array.from(text, (character) => CHARACTERS.indexOf(character)),
  decode: (tokens) => Array.from(tokens, (token) => CHARACTERS.charAt(token)).join(""),
};

/** A policy over the stub's tokens. */
export const STUB_CONFIG: ModelConfig = {
  ...modelConfig("qwen2.5-0.5b"),
  vocab_size: CHARACTERS.length,
  hidden_size: 8,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 4,
};

/** Parameters large enough that some tokens are much likelier than others. */
export function stubParameters(): Record<string, Float32Array<ArrayBuffer>> {
  return Object.fromEntries(
    Object.entries(initialParameters(STUB_CONFIG, 3)).map(([name, values]) => [
      name,
      name.endsWith("norm.weight") ? values : values.map((value) => 2.5 * value),
    ]),
  );
}

/** What a test makes up of a task. */
export interface StubTask<P extends Problem> {
  /** Tokens of the longest response, 6 by default. */
  readonly maxResponseTokens?: number;
  /** The mixtures that may be drawn from. */
  readonly mixtures?: Partial<Record<MixtureName, ProblemSource<P>>>;
  /** The benchmarks by name. */
  readonly benchmarks?: Readonly<Record<string, readonly P[]>>;
  /** The verdict on the text of a response. */
  verify(problem: P, response: string): Verdict;
}

/** The task; what the test has not made up throws. */
export function stubTask<P extends Problem>(
  { maxResponseTokens = 6, mixtures = {}, benchmarks = {}, verify }: StubTask<P>,
): Task {
  const none = () => {
    throw new Error("the test has no use for this");
  };
  const task: Task<P> = {
    name: "stub",
    tokenizer: STUB_TOKENIZER,
    maxPromptTokens: 4,
    maxResponseTokens,
    pretraining: none,
    mixtures: { standard: none, easy: none, hard: none, narrow: none, ...mixtures },
    benchmarks,
    teacher: none,
    clean: none,
    direct: none,
    verify,
    difficulty: none,
    misconceptions: () => [],
  };
  return task as Task;
}
