/** The one-way flow between the folders, and the house's rules that a machine can check. */
import assert from "node:assert/strict";
import { basename, dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT, run, withFolder } from "./support.ts";

/** Which folders a file may import from, by the first matching start of its path. */
const ALLOWED: [string, string[]][] = [
  ["formats/", ["formats/"]],
  ["kernels/conformance/", ["kernels/"]],
  ["kernels/", ["kernels/"]],
  ["analysis/", ["analysis/", "formats/"]],
  ["experiments/lab/", ["experiments/lab/", "kernels/mod.ts", "formats/"]],
  ["experiments/", ["experiments/", "analysis/", "formats/"]],
  ["bench/", [
    "bench/",
    "kernels/",
    "experiments/lab/",
    "analysis/",
    "formats/",
    "deno.json",
    "results/bench/",
  ]],
  ["checks/", ["checks/", "kernels/", "experiments/lab/", "analysis/", "formats/"]],
  ["commands/", [
    "commands/",
    "checks/",
    "bench/",
    "experiments/",
    "analysis/",
    "kernels/",
    "formats/",
  ]],
  ["mod.ts", ["kernels/mod.ts", "analysis/mod.ts"]],
  ["tests/", [""]],
];

const SOURCES: readonly string[] = Array.from(sources(ROOT), (path) => relative(ROOT, path));

function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    if (isDirectory) yield* sources(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

/**
 * The files of the project that each file loads, by their paths from the root: whatever Deno resolves, types, texts
 * and dynamic imports included, and what `new URL` names, as workers are.
 */
const IMPORTS: ReadonlyMap<string, readonly string[]> = await graph();

async function graph(): Promise<Map<string, string[]>> {
  const imports = new Map<string, string[]>();
  await withFolder(async (folder) => {
    const entry = join(folder, "all.ts");
    const lines = SOURCES.map((name) => `import ${JSON.stringify(urlOf(name))};`);
    await Deno.writeTextFile(entry, lines.join("\n"));
    const config = join(ROOT, "deno.json");
    const { code, stdout, stderr } = await run(
      Deno.execPath(),
      ["info", "--json", "--config", config, entry],
    );
    assert.equal(code, 0, stderr);
    for (const { specifier, dependencies = [] } of JSON.parse(stdout).modules as Module[]) {
      const name = nameOf(specifier);
      if (name === undefined) continue;
      const loaded = dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier]);
      const text = name.endsWith(".ts") ? Deno.readTextFileSync(join(ROOT, name)) : "";
      const named = Array.from(
        text.matchAll(/new URL\(\s*["'`](\.[^"'`]+)["'`],\s*import\.meta\.url/g),
        ([, path]) => new URL(path!, specifier).href,
      ).filter((url) => url.endsWith(".ts"));
      const urls = [...loaded, ...named].filter((url) => url !== undefined);
      imports.set(name, urls.map(nameOf).filter((target) => target !== undefined));
    }
  });
  return imports;
}

interface Module {
  specifier: string;
  dependencies?: { code?: { specifier?: string }; type?: { specifier?: string } }[];
}

function urlOf(name: string): string {
  return pathToFileURL(join(ROOT, name)).href;
}

/** The path of a file of the project; undefined for any other. */
function nameOf(url: string): string | undefined {
  const root = pathToFileURL(ROOT).href + "/";
  return url.startsWith(root) ? decodeURIComponent(url.slice(root.length)) : undefined;
}

function importsOf(name: string): readonly string[] {
  return IMPORTS.get(name) ?? [];
}

Deno.test("imports go one way between the rooms", () => {
  for (const name of SOURCES) {
    const rule = ALLOWED.find(([start]) => name.startsWith(start));
    assert(rule !== undefined, `${name} is in no room`);
    for (const target of importsOf(name)) {
      assert(rule[1].some((start) => target.startsWith(start)), `${name} imports ${target}`);
    }
  }
});

Deno.test("the door of kernels does not load the conformance", () => {
  const reached = new Set<string>();
  const visit = (name: string) => {
    if (reached.has(name)) return;
    reached.add(name);
    importsOf(name).forEach(visit);
  };
  visit("kernels/mod.ts");
  assert(reached.size > 50);
  assert.deepEqual([...reached].filter((name) => name.includes("conformance")), []);
});

Deno.test("no file imports itself by way of others", () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (name: string, path: string[]) => {
    const at = path.indexOf(name);
    if (at >= 0) circles.push([...path.slice(at), name].join(" → "));
    if (at >= 0 || done.has(name)) return;
    for (const target of importsOf(name)) visit(target, [...path, name]);
    done.add(name);
  };
  for (const name of SOURCES) visit(name, []);
  assert.deepEqual(circles, []);
});

Deno.test("every file of commands/ is a task, and nobody imports one", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  const texts = Object.values<{ command: string }>(tasks).map(({ command }) => command);
  for (const name of SOURCES.filter((name) => dirname(name) === "commands")) {
    assert(texts.some((text) => text.includes(` ${name}`)), `no task runs ${name}`);
    const importers = SOURCES.filter((other) => importsOf(other).includes(name));
    assert.deepEqual(importers, [], `${name} is a command`);
  }
});

/** Each room or folder has its own of these. */
const EVERYWHERE: ReadonlySet<string> = new Set(["mod.ts", "errors.ts"]);

/** Whose files are named after what they run, check, change or solve in another way. */
const NAMED_AFTER_OTHERS = [
  "commands/",
  "kernels/conformance/",
  "checks/mutants/table/",
  "experiments/lab/tasks/code/",
  "experiments/lab/tasks/math/",
];

Deno.test("no two files share a name for two purposes", () => {
  const byName = new Map<string, string[]>();
  for (const name of SOURCES.filter((name) => !name.startsWith("tests/"))) {
    const isNamedAfterAnother = NAMED_AFTER_OTHERS.some((folder) => dirname(name) + "/" === folder);
    if (EVERYWHERE.has(basename(name)) || isNamedAfterAnother) continue;
    byName.set(basename(name), [...byName.get(basename(name)) ?? [], name]);
  }
  assert.deepEqual(Array.from(byName.values()).filter((names) => names.length > 1), []);
});

Deno.test("npm packages are imported through deno.json, with exact versions", () => {
  const { imports } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  for (const [name, target] of Object.entries<string>(imports)) {
    assert.match(target, /^npm:\/?(?:@[\w-]+\/)?[\w.-]+@\d+\.\d+\.\d+(?:\/[\w./-]*)?$/, name);
  }
  for (const name of SOURCES) {
    const text = Deno.readTextFileSync(join(ROOT, name));
    assert.doesNotMatch(text, /from "(?:npm|jsr|https?):/, name);
  }
});

Deno.test("every task says what it does", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  for (const [name, task] of Object.entries<{ description?: string }>(tasks)) {
    assert(task.description, `task ${name} has no description`);
  }
});
