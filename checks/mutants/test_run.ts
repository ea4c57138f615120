import { join } from "node:path";

/** What tests came to. */
export type TestOutcome =
  | { readonly kind: "passed"; readonly tests: number }
  /** An assertion of a test failed. */
  | { readonly kind: "failed"; readonly test: string; readonly message: string }
  /** They ended otherwise: a module does not load, something else than an assertion threw, time ran out. */
  | { readonly kind: "broken"; readonly message: string };

/** Which tests are run. */
export interface TestChoice {
  /** Files, from the root of the project. */
  readonly tests: readonly string[];
  /** What `deno test --filter` takes. */
  readonly filter?: string;
}

/**
 * Runs tests up to the first that fails, with the permissions of the project's own task `test`.
 *
 * @param root The project.
 * @param limit Seconds after which the tests are ended.
 * @param signal Ends the tests.
 */
export async function runTests(
  root: string,
  { tests, filter }: TestChoice,
  limit: number,
  signal: AbortSignal,
): Promise<TestOutcome> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const words = String(tasks.test.command).split(" ")
    .filter((word) => /^(?:-A|--(?:allow|deny|no-prompt|no-remote)\b.*)$/.test(word));
  // The task runs two halves of the tests side by side, with the same permissions.
  const permissions = new Set(words);
  const timeout = AbortSignal.timeout(1000 * limit);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      // Types are checked elsewhere: a change that is only a wrong type would be caught by no test.
      ...["test", "--quiet", "--no-check", "--reporter=tap", "--fail-fast", ...permissions],
      ...(filter === undefined ? [] : ["--filter", filter]),
      ...tests,
    ],
    cwd: root,
    env: { NO_COLOR: "1", UPDATE_SNAPSHOTS: "" },
    signal: AbortSignal.any([signal, timeout]),
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (timeout.aborted) return { kind: "broken", message: `no end within ${limit} s` };
  return readOutcome(success, text(stdout), text(stderr));
}

/**
 * A shader that does not compile, or a call that the GPU refuses: conformance counts it as a failure, but it is
 * no wrong result.
 */
const GPU_ERROR = /\.wgsl:\d+:\d+|the GPU (?:reports|was lost)/;

/** What the runner's output says, in the Test Anything Protocol with a step as a subtest. */
function readOutcome(success: boolean, tap: string, errors: string): TestOutcome {
  const lines = tap.split("\n");
  if (success) {
    const passed = lines.filter((line) => /^ok \d+ - /.test(line) && !line.endsWith(" # SKIP"));
    return { kind: "passed", tests: passed.length };
  }
  let parent = "";
  let first: string | undefined;
  for (const [i, line] of lines.entries()) {
    parent = /^# Subtest: (.*)$/.exec(line)?.[1] ?? parent;
    const [, indent, name] = /^( *)not ok \d+ - (.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const message = messageOf(lines[i + 2] ?? "");
    first ??= `${unescaped(name)}: ${message.split("\n")[0]}`;
    if (!message.includes("AssertionError") || GPU_ERROR.test(message)) continue;
    const test = unescaped(indent === "" ? name : `${parent}: ${name}`);
    return { kind: "failed", test, message };
  }
  // This protocol has no place for what a module throws.
  const error = /^error: (?!Test failed$)(.*)$/m.exec(errors)?.[1] ??
    "something outside of tests throws, which deno test shows without --reporter=tap";
  return { kind: "broken", message: first ?? error };
}

function messageOf(diagnostics: string): string {
  try {
    return String(JSON.parse(diagnostics).message);
  } catch {
    return "";
  }
}

/** TAP escapes `#` and `\`. */
function unescaped(name: string): string {
  return name.replaceAll(/\\([#\\])/g, "$1");
}
