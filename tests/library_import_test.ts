/** The library as a script in another folder imports it: the README's own lines, and every door by its path. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Outcome, ROOT, run, withFolder } from "./support.ts";

/** What the README calls the checkout. */
const CHECKOUT = "/path/to/checkout";
/** The README's blocks of code of a language, with the checkout's real path. */
function blocks(language: string): string[] {
  const readme = Deno.readTextFileSync(join(ROOT, "README.md"));
  const found = readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"));
  return Array.from(found, ([, code]) => code!.replaceAll(CHECKOUT, ROOT));
}

const [CONFIG] = blocks("json");
const [ON_LOGS, ON_GPU] = blocks("ts");
const LOG = join(ROOT, "results/logs/qwen2.5-7b.math.grpo.none.seed1.jsonl");

/** Type-checks and runs a script in a folder that has the README's deno.json and nothing else. */
async function checkAndRun(script: string, args: string[] = []): Promise<Outcome> {
  let outcome: Outcome | undefined;
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "deno.json"), CONFIG!);
    await Deno.writeTextFile(join(folder, "script.ts"), script);
    const checked = await run(Deno.execPath(), ["check", "--quiet", "script.ts"], { cwd: folder });
    assert.equal(checked.code, 0, checked.stderr);
    outcome = await run(
      Deno.execPath(),
      ["run", "--quiet", "--no-prompt", "--no-remote", "--allow-read", "script.ts", ...args],
      { cwd: folder },
    );
  });
  return outcome!;
}

Deno.test("a script elsewhere fits a log as the README says", async () => {
  const { code, stdout, stderr } = await checkAndRun(ON_LOGS!, [LOG]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^a = \d\.\d+, b = \d\.\d+, /);
});

Deno.test("a script elsewhere runs the kernels as the README says", async () => {
  const { code, stdout, stderr } = await checkAndRun(ON_GPU!);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^loss -?\d\.\d+, 1 of 5 tokens selected$/m);
});

Deno.test("every door of the library can be imported by its path", async () => {
  const doors = Object.values<string>(
    JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))).exports,
  );
  const imports = doors.map((door, i) =>
    `import * as door${i} from "${pathToFileURL(join(ROOT, door))}";\n`
  );
  const lists = doors.map((_, i) => `console.log(Object.keys(door${i}).length);\n`);
  const { code, stdout, stderr } = await checkAndRun([...imports, ...lists].join(""));
  assert.equal(code, 0, stderr);
  const counts = stdout.trim().split("\n").map(Number);
  assert.equal(counts.length, doors.length);
  assert(counts.every((count) => count > 0), stdout);
});
