/** What standard input is called in everything printed. */
export const STANDARD_INPUT = "standard input";

/** Its names as a path. Deno opens none of them without all permissions. */
const NAMES: ReadonlySet<string> = new Set(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]);

/** Whether a path stands for standard input. */
export function isStandardInput(path: string): boolean {
  return NAMES.has(path);
}
