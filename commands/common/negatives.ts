/** The arguments with negative numbers joined to their options: to parseArgs they would be options themselves. */
export function joinNegatives(given: readonly string[]): string[] {
  const args: string[] = [];
  for (const argument of given) {
    if (/^-\d/.test(argument) && args.at(-1)?.startsWith("--")) {
      args.push(`${args.pop()}=${argument}`);
    } else args.push(argument);
  }
  return args;
}
