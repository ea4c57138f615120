/** What the pages for readers name is there: files, and the README's tasks with their options. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT, runTask } from "./support.ts";

const README = Deno.readTextFileSync(join(ROOT, "README.md"));
/** The arguments of every `./denow task …`, by words. */
const CALLS = Array.from(
  README.matchAll(/\.\/denow task ([^`\n]+)/g),
  ([, call]) => Array.from(call!.matchAll(/"[^"]*"|\S+/g), ([word]) => word),
);

function* filesOf(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (name.startsWith(".")) continue;
    if (isDirectory) yield* filesOf(join(folder, name));
    else yield join(folder, name);
  }
}

/** Folders that are made by running something. */
const IGNORED = ["runs/"];

Deno.test("every file and folder that the README names is there", async () => {
  const linked = Array.from(
    README.matchAll(/\]\(([\w./-]+)\)|src="([^"]+)"/g),
    ([, link, image]) => link ?? image!,
  );
  const given = CALLS.flat().filter((word) => word.startsWith("results/") && !word.includes("*"));
  assert(linked.length > 10 && given.length > 5);
  for (const name of [...linked, ...given]) await Deno.stat(join(ROOT, name));
});

Deno.test("every file that ARCHITECTURE.md and the lab's README name is there", async () => {
  const files = Array.from(filesOf(ROOT), (path) => path.slice(ROOT.length));
  for (const page of ["ARCHITECTURE.md", "experiments/lab/README.md"]) {
    const text = await Deno.readTextFile(join(ROOT, page));
    const names = Array.from(
      text.matchAll(/`([\w./-]+(?:\.(?:ts|wgsl|md|json)|\/))`/g),
      ([, name]) => name!,
    ).filter((name) => !/^name[._]/.test(name) && !IGNORED.includes(name));
    assert(names.length > 20);
    const missing = names.filter((name) =>
      !files.some((file) =>
        name.endsWith("/") ? file.includes(`/${name}`) : file.endsWith(`/${name}`)
      )
    );
    assert.deepEqual(missing, [], page);
  }
});

Deno.test("every task of the README has the options that it gives it", async () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  assert.deepEqual(CALLS.map(([name]) => name).filter((name) => !(name! in tasks)), []);
  const helps = new Map<string, string>();
  for (const [name, ...words] of CALLS) {
    for (const option of words.filter((word) => word.startsWith("--"))) {
      if (!helps.has(name!)) helps.set(name!, (await runTask(name!, ["--help"], ROOT)).stdout);
      assert(helps.get(name!)!.includes(option), `deno task ${name} has no ${option}`);
    }
  }
});

Deno.test("the claims that the README quotes are what the task prints", async () => {
  const quoted = README.match(/^ ?\d+ {2}.+: .+$/gm) ?? [];
  assert.equal(quoted.length, 3);
  const { stdout } = await runTask("claims", [], ROOT);
  for (const line of quoted) assert(stdout.split("\n").includes(line), line);
});
