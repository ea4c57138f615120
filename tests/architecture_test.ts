/** The one-way flow between the folders, and the house's rules that a machine can check. */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { ROOT } from "./support.ts";

/** Which folders a file may import from, by the first matching start of its path. */
const ALLOWED: [string, string[]][] = [
  ["kernels/", ["kernels/"]],
  ["analysis/", ["analysis/"]],
  ["experiments/lab/", ["experiments/lab/", "kernels/"]],
  // Commands of the lab open the GPU that the lab works on.
  ["experiments/", ["experiments/", "analysis/", "kernels/mod.ts"]],
  ["tools/", ["tools/", "kernels/", "analysis/", "experiments/lab/", "deno.json"]],
  ["mod.ts", ["kernels/", "analysis/"]],
];

function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    if (isDirectory) yield* sources(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

Deno.test("imports go one way: kernels and analysis know nothing of experiments or of each other", () => {
  for (const path of sources(ROOT)) {
    const name = relative(ROOT, path);
    const rule = ALLOWED.find(([start]) => name.startsWith(start));
    if (rule === undefined) continue;
    const text = Deno.readTextFileSync(path);
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
      const target = relative(ROOT, join(path, "..", specifier!));
      assert(rule[1].some((start) => target.startsWith(start)), `${name} imports ${target}`);
    }
  }
});

Deno.test("npm packages are imported through deno.json, with exact versions", () => {
  const { imports } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  for (const [name, target] of Object.entries<string>(imports)) {
    assert.match(target, /^npm:\/?(?:@[\w-]+\/)?[\w.-]+@\d+\.\d+\.\d+(?:\/[\w./-]*)?$/, name);
  }
  for (const path of sources(ROOT)) {
    const text = Deno.readTextFileSync(path);
    assert.doesNotMatch(text, /from "(?:npm|jsr|https?):/, relative(ROOT, path));
  }
});

Deno.test("every task says what it does", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  for (const [name, task] of Object.entries<{ description?: string }>(tasks)) {
    assert(task.description, `task ${name} has no description`);
  }
});
