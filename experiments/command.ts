import { UserError } from "../analysis/errors.ts";
import { runCommand } from "../analysis/cli/command.ts";
import { GpuError } from "../kernels/mod.ts";
import { LabError } from "./lab/errors.ts";

/** Runs a command of the lab and exits, as {@linkcode runCommand}: errors of lab and GPU are one sentence. */
export async function runLabCommand(main: () => Promise<boolean>): Promise<never> {
  return await runCommand(async () => {
    try {
      return await main();
    } catch (error) {
      if (error instanceof LabError || error instanceof GpuError) {
        throw new UserError(error.message);
      }
      throw error;
    }
  });
}

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
