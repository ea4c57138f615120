import { styleText } from "node:util";
import { LONGEST_MESSAGE, UserError } from "../../formats/errors.ts";
import { printable } from "../../formats/printable.ts";
import { GpuError } from "../../kernels/runtime/errors.ts";

/** A wrong call of a command: an unknown option, a missing file name, a value out of range. */
export class UsageError extends UserError {
  /** The class, as `Error.name`. */
  override name = "UsageError";
}

/** What `--out DIR` means in every command, for its help. */
export const OUT_HELP =
  "the parent folder, made if missing, into which the command writes files of its own names";

/**
 * Runs a command and exits: 0 when `main` returns true, 1 when it returns false or the input is bad,
 * 2 when the command was called wrongly. What a user can act on is printed as one sentence, and so is
 * what the system refuses (a permission, a full disk); a fault of this project keeps its stack trace.
 */
export async function runCommand(main: () => Promise<boolean>): Promise<never> {
  try {
    // Tasks run in the checkout, but their paths are those of the folder that they were called from.
    Deno.chdir(Deno.env.get("INIT_CWD") ?? ".");
    Deno.exit(await main() ? 0 : 1);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0); // `| head` has seen enough.
    if (!isForUser(error)) throw error;
    printError(sentence(error as Error));
    Deno.exit(error instanceof UsageError ? 2 : 1);
  }
}

/** Prints one sentence about what went wrong to stderr, escaped and shortened by `printable`. */
export function printError(message: string): void {
  const label = Deno.stderr.isTerminal() ? styleText("red", "error:") : "error:";
  console.error(`${label} ${printable(message.replace(HINT, ""), LONGEST_MESSAGE)}`);
}

/** What Deno's sandbox adds to its refusals; nobody should follow it. */
const HINT = /, run again with the --allow-[\w-]+ flag/g;

/**
 * The message of an error as one sentence: those of the system lack the full stop, and node's parseArgs goes
 * on with hints in further lines.
 */
export function sentence({ message }: Error): string {
  const [first] = message.split("\n");
  return /[.!?]$/.test(first!) ? first! : `${first}.`;
}

/** Errors that a user can act on; any other is a fault of this project. */
function isForUser(error: unknown): boolean {
  return error instanceof UserError || error instanceof GpuError || isSystem(error);
}

/** Errors of the operating system and refusals of Deno's sandbox. */
export function isSystem(error: unknown): error is Error {
  return error instanceof Deno.errors.NotCapable ||
    error instanceof Error && /^E[A-Z0-9]+$/.test(String((error as { code?: unknown }).code));
}

/** Characters that a line of progress has room for. */
const LONGEST_PROGRESS = 70;

/** Shows `text` on a terminal while `work` runs, and takes it away again. */
export async function withProgress<T>(text: string, work: () => Promise<T>): Promise<T> {
  const shown = Deno.stderr.isTerminal();
  const write = (line: string) => Deno.stderr.writeSync(new TextEncoder().encode(line));
  if (shown) write(`\r\x1b[K${printable(text, LONGEST_PROGRESS)} …`);
  try {
    return await work();
  } finally {
    if (shown) write("\r\x1b[K");
  }
}
