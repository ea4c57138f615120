/** `deno task mutants`: whether a test fails for each wrong change in checks/mutants/table/. */
import { fileURLToPath } from "node:url";
import { MUTANTS } from "../checks/mutants/all_mutants.ts";
import { impossible } from "../checks/mutants/mutant.ts";
import { mutantsPage } from "../checks/mutants/mutants_page.ts";
import { notCaught, resultText, totalText } from "../checks/mutants/result_text.ts";
import { type MutantResult, runMutants } from "../checks/mutants/run_mutants.ts";
import { writeWhole } from "../formats/write.ts";
import { expectNoOthers, parseArguments, wholeNumberOf } from "./common/arguments.ts";
import { printError, runCommand, UsageError } from "./common/command.ts";

const HELP =
  `Makes each wrong change of checks/mutants/table/ in a temporary copy of the working tree, one at a time,
and runs its tests there, which must fail by an assertion.

  deno task mutants [options]

  --only PATTERN   only those whose file or description contains PATTERN; results/mutants.md stays as it is
  --jobs N         as many at a time; 1 by default, since tests on one GPU slow each other down

Before, the tests are run without any change. A text of the table that no longer occurs in its file, or
more than once, is an error. Without --only the outcome is written to results/mutants.md.

The exit code is 1 if a change survives, or ends its tests otherwise than by an assertion.
`;

const OPTIONS = {
  only: { type: "string" },
  jobs: { type: "string", default: "1" },
} as const;

const ROOT = fileURLToPath(new URL("..", import.meta.url));

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  expectNoOthers(positionals);
  const jobs = wholeNumberOf("--jobs", values.jobs, 1);
  const only = values.only?.toLowerCase();
  const mutants = MUTANTS.filter(({ file, what }) =>
    only === undefined || `${file}\n${what}`.toLowerCase().includes(only)
  );
  if (mutants.length === 0) {
    throw new UsageError(`no change of the table has ${JSON.stringify(values.only)} in it.`);
  }
  // The whole table, so that nobody has to run all of it to learn that a text has changed.
  const problems = await impossible(ROOT, MUTANTS);
  for (const problem of problems) printError(problem);
  if (problems.length > 0) return false;
  const controller = new AbortController();
  for (const signal of ["SIGINT", ...(Deno.build.os === "windows" ? [] : ["SIGTERM"])] as const) {
    Deno.addSignalListener(signal as Deno.Signal, () => controller.abort());
  }
  const line = statusLine();
  let done = 0;
  let results: MutantResult[];
  try {
    results = await runMutants(ROOT, mutants, {
      jobs,
      signal: controller.signal,
      onStart: (what) => line.show(`${done}/${mutants.length} ${what} …`),
      onResult(result) {
        done++;
        line.clear();
        console.log(resultText(result));
      },
    });
  } catch (error) {
    // What a shell gives for a command that Ctrl-C has ended.
    if (controller.signal.aborted) Deno.exit(130);
    throw error;
  } finally {
    line.clear();
  }
  if (only === undefined) await writeWhole(`${ROOT}/results/mutants.md`, mutantsPage(results));
  console.log(`\n${totalText(results)}`);
  return notCaught(results) === 0;
}

/** A line on a terminal that is written over. */
function statusLine() {
  const write = (text: string) => {
    if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(text));
  };
  return {
    show: (text: string) =>
      write(
        `\r\x1b[K${
          text.slice(0, (Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80) - 1)
        }`,
      ),
    clear: () => write("\r\x1b[K"),
  };
}

await runCommand(main);
