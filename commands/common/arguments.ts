/** The words of a command line: options, and the others; one way for all commands. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { sentence, UsageError } from "./command.ts";

/** The options of a command, as node's `parseArgs` takes them. */
export type Options = NonNullable<ParseArgsConfig["options"]>;

/** What was given: the value of each option, and the other words in their order. */
export type Arguments<Given extends Options> = ReturnType<
  typeof parseArgs<{ options: Given & typeof HELP; allowPositionals: true }>
>;

const HELP = { help: { type: "boolean", short: "h" } } as const;

/**
 * Reads the words that the command was called with; a number after its option may be negative. With `--help`
 * (`-h`), which every command has, the text is printed and the program ends.
 *
 * @param help The text.
 * @param options Those of the command, but for `--help`.
 * @throws {UsageError} if an option is not among them, lacks its value, or has one that it does not take.
 */
export function parseArguments<const Given extends Options>(
  help: string,
  options: Given,
): Arguments<Given> {
  const all = { ...options, ...HELP };
  try {
    const args = joinNegatives(Deno.args, options);
    const given = parseArgs({ args, options: all, allowPositionals: true });
    const { help } = given.values as { help?: boolean };
    if (!help) return given as Arguments<Given>;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (!code?.startsWith("ERR_PARSE_ARGS")) throw error;
    if (code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION") throw new UsageError(sentence(error as Error));
    const [what] = message.split(". To specify a positional argument");
    const names = Object.keys(all).map((name) => `--${name}`).join(", ");
    throw new UsageError(`${what}, expected one of ${names}.`);
  }
  console.log(help);
  Deno.exit(0);
}

/** The words with negative numbers joined to their options: to parseArgs they would be options themselves. */
export function joinNegatives(given: readonly string[], options: Options): string[] {
  const words: string[] = [];
  for (const [i, word] of given.entries()) {
    if (word === "--") return [...words, ...given.slice(i)];
    const before = words.at(-1);
    const takesValue = before?.startsWith("--") && options[before.slice(2)]?.type === "string";
    if (takesValue && /^-[\d.]/.test(word)) words.push(`${words.pop()}=${word}`);
    else words.push(word);
  }
  return words;
}

/** @throws {UsageError} if there are words beside the options, for a command that takes none. */
export function expectNoOthers([first]: readonly string[]): void {
  if (first !== undefined) throw new UsageError(`${first} was not expected (see --help).`);
}

/**
 * The number that an option was given.
 *
 * @param option With its dashes, for the sentence.
 * @throws {UsageError} if the text is none.
 */
export function numberOf(option: string, text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (Number.isNaN(value)) throw new UsageError(`${option} is ${text}, expected a number.`);
  return value;
}

/**
 * The whole number that an option was given.
 *
 * @param option With its dashes, for the sentence.
 * @param least The smallest that will do.
 * @throws {UsageError} if the text is none, or one below.
 */
export function wholeNumberOf(option: string, text: string, least: number): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(
    `${option} is ${text}, expected a whole number from ${least} to ${Number.MAX_SAFE_INTEGER}.`,
  );
}
