/** The library as a script in another folder imports it: the README's own lines, and every door. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Outcome, ROOT, run, withFolder } from "./support.ts";

/** The README, with the checkout's real path. */
const README = Deno.readTextFileSync(join(ROOT, "README.md")).replaceAll("/path/to/checkout", ROOT);
const [ON_LOGS, ON_GPU] = Array.from(README.matchAll(/^```ts\n(.*?)^```/gms), ([, code]) => code!);

/** What stands after `denow` in the line that runs a script. */
const RUN = /\/denow (run --config .* script\.ts)$/m.exec(README)![1]!.split(" ");
const CHECK = ["check", ...RUN.slice(1, 3), "script.ts"];

const LOG = join(ROOT, "results/logs/qwen2.5-7b.math.grpo.none.seed1.jsonl.gz");

const { name: PACKAGE, exports } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
/** Names and files of what the library exports. */
const DOORS = Object.entries<string>(exports);

/** Imports a door by its name and by its path, and says whether both are one module that has something. */
function importing([door, file]: [string, string], i: number): string {
  return `import * as named${i} from "${join(PACKAGE, door)}";
    import * as byPath${i} from "${pathToFileURL(join(ROOT, file))}";
    console.log(Object.keys(named${i}).length > 0 && named${i} === byPath${i});\n`;
}

/** Calls Deno in a folder, without asking, and without the packages' registries. */
async function deno(folder: string, [command, ...args]: readonly string[]): Promise<Outcome> {
  const outcome = await run(
    Deno.execPath(),
    [command!, "--quiet", ...(command === "run" ? ["--no-prompt", "--no-remote"] : []), ...args],
    { cwd: folder },
  );
  assert.equal(outcome.code, 0, outcome.stderr);
  return outcome;
}

Deno.test("a script elsewhere fits a log as the README says", () =>
  withFolder(async (folder) => {
    await Deno.copyFile(LOG, join(folder, "console.log"));
    await Deno.writeTextFile(join(folder, "script.ts"), ON_LOGS!);
    await deno(folder, CHECK);
    const { stdout } = await deno(folder, RUN);
    assert.match(
      stdout,
      /^a = \d\.\d+, b = \d\.\d+, ceiling 0\.\d+\n95 % interval of the ceiling: \[ 0\.\d+, /,
    );
  }));

Deno.test("a script elsewhere runs the kernels as the README says", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "script.ts"), ON_GPU!);
    await deno(folder, CHECK);
    const { stdout } = await deno(folder, RUN);
    assert.match(stdout, /^loss -0\.200, 1 of 5 tokens selected\n/);
  }));

Deno.test("every door can be imported by path and by name", () =>
  withFolder(async (folder) => {
    const imports = DOORS.map(importing);
    await Deno.writeTextFile(join(folder, "script.ts"), imports.join(""));
    await deno(folder, CHECK);
    const { stdout } = await deno(folder, RUN);
    assert.equal(stdout, "true\n".repeat(imports.length));
  }));

Deno.test("a project with a deno.json of its own links the checkout", () =>
  withFolder(async (folder) => {
    const [line] = /"links": \[.*?\]/.exec(README)!;
    await Deno.writeTextFile(join(folder, "deno.json"), `{ ${line} }`);
    // Those that need many packages would ask the registry for them: the lock file is that of the project.
    const imports = DOORS.filter(([name]) => name.startsWith("./kernels")).map(importing);
    await Deno.writeTextFile(join(folder, "script.ts"), imports.join(""));
    await deno(folder, ["check", "script.ts"]);
    const { stdout } = await deno(folder, ["run", "script.ts"]);
    assert.equal(stdout, "true\n".repeat(imports.length));
  }));
