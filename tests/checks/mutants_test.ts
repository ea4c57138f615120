/** The tool that makes wrong changes and asks whether a test fails, on a project of two files. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { UserError } from "../../formats/errors.ts";
import { MUTANTS } from "../../checks/mutants/all_mutants.ts";
import { impossible, type Mutant } from "../../checks/mutants/mutant.ts";
import { mutantsPage } from "../../checks/mutants/mutants_page.ts";
import { type MutantResult, runMutants } from "../../checks/mutants/run_mutants.ts";
import { assertOneSentence, ROOT, run, runTask, withFolder } from "../support.ts";

const SOURCE = `export const area = (a: number, b: number) => a * b;
export const around = (a: number, b: number) => a + b + a + b;
`;
const TESTS = `import assert from "node:assert/strict";
import { area } from "../shapes.ts";
Deno.test("an area is a product | of sides", () => assert.equal(area(3, 4), 12));
Deno.test("steps", async (t) => {
  await t.step("of a square", () => assert.equal(area(2, 2), 4));
});
Deno.test("nothing", () => {});
`;

const SIDES: Mutant = {
  file: "shapes.ts",
  text: "a * b",
  replacement: "a * a",
  what: "an area of one side",
  tests: ["tests/shapes_test.ts"],
};

/** A project in git with an ignored file, a new one and one that is gone. */
async function withProject(body: (root: string) => Promise<void>): Promise<void> {
  await withFolder(async (root) => {
    await Deno.mkdir(join(root, "tests"));
    const files = {
      "deno.json": '{ "tasks": { "test": { "command": "deno test --allow-read tests" } } }',
      ".gitignore": "ignored.ts\n",
      "gone.ts": "",
      "shapes.ts": SOURCE,
      "ignored.ts": "",
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(root, name), text);
    }
    for (const args of [["init", "--quiet"], ["add", "."]]) {
      assert.equal((await run("git", args, { cwd: root })).code, 0);
    }
    await Deno.remove(join(root, "gone.ts"));
    await Deno.writeTextFile(join(root, "tests/shapes_test.ts"), TESTS);
    await body(root);
  });
}

const options = { jobs: 1, signal: new AbortController().signal };

function refused(promise: Promise<unknown>, message: RegExp): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert(error instanceof UserError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

/** Runs `body` with a temporary folder of its own, which must be empty afterwards. */
async function leavingNothing(body: () => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const names = ["TMPDIR", "TMP", "TEMP"];
    const before = names.map((name) => Deno.env.get(name));
    for (const name of names) Deno.env.set(name, folder);
    try {
      await body();
      assert.deepEqual([...Deno.readDirSync(folder)], []);
    } finally {
      for (const [i, name] of names.entries()) {
        if (before[i] === undefined) Deno.env.delete(name);
        else Deno.env.set(name, before[i]);
      }
    }
  });
}

Deno.test("a change is caught by the first assertion that fails, or survives; the project is left as it is", () =>
  withProject(async (root) => {
    const mutants: Mutant[] = [
      SIDES,
      { ...SIDES, filter: "steps", text: "a * b;", replacement: "a + b + 1;" },
      { ...SIDES, filter: "nothing" },
      { ...SIDES, text: "a + b + a", replacement: "a + a + a", what: "a circumference" },
    ];
    const seen: MutantResult[] = [];
    const onResult = (result: MutantResult) => seen.push(result);
    for (const jobs of [1, 2]) {
      seen.length = 0;
      const results = await runMutants(root, mutants, { ...options, jobs, onResult });
      assert.deepEqual(results.map(({ mutant }) => mutant), mutants);
      assert.deepEqual(
        results.map(({ outcome }) => outcome.kind === "failed" ? outcome.test : outcome.kind),
        ["an area is a product | of sides", "steps: of a square", "passed", "passed"],
      );
      assert.deepEqual(new Set(seen), new Set(results));
    }
    assert.equal(await Deno.readTextFile(join(root, "shapes.ts")), SOURCE);

    const text = mutantsPage(seen);
    assert.match(text, /^4 changes, 2 not caught\.$/m);
    assert.match(
      text,
      /^\| an area of one side \| shapes\.ts \| `a \* b` → `a \* a` \| an area is a product \\\| of sides \|$/m,
    );
    assert.match(text, /^\| a circumference \| .* \| \*\*nothing\*\* \|$/m);
  }));

Deno.test("what ends its tests otherwise than by an assertion is not caught", () =>
  withProject(async (root) => {
    const replacements = [
      "a *",
      "missing",
      "a * b; throw new Error('at import')",
      "'area.wgsl:3:4: unknown identifier'",
      "'the GPU reports: no such binding'",
    ];
    const mutants = replacements.map((replacement) => ({ ...SIDES, replacement }));
    const results = await runMutants(root, mutants, options);
    assert.deepEqual(results.map(({ outcome }) => outcome.kind), mutants.map(() => "broken"));
  }));

Deno.test("a text that is missing or doubled, and tests that fail or are not there, are errors", () =>
  withProject((root) =>
    leavingNothing(async () => {
      const missing = { ...SIDES, text: "a / b", what: "one" };
      const doubled = { ...SIDES, text: "a: number, b: number", what: "two" };
      const nowhere = { ...SIDES, file: "none.ts", what: "three" };
      const same = { ...SIDES, replacement: SIDES.text, what: "four" };
      const mutants = [SIDES, missing, doubled, nowhere, same];
      assert.deepEqual(await impossible(root, mutants), [
        'shapes.ts ("one"): "a / b" occurs 0 times, expected once.',
        'shapes.ts ("two"): "a: number, b: number" occurs 2 times, expected once.',
        'none.ts ("three"): the file cannot be read.',
        'shapes.ts ("four"): the replacement is the text.',
      ]);
      await refused(
        runMutants(root, mutants, options),
        /^shapes\.ts \("one"\): "a \/ b" occurs 0 times/,
      );
      await refused(
        runMutants(root, [{ ...SIDES, filter: "volumes" }], options),
        /^tests\/shapes_test\.ts \(volumes\) must pass without any change, but there is no such test\.$/,
      );
      await Deno.writeTextFile(join(root, "shapes.ts"), SOURCE.replace("a * b", "a * b + 1"));
      await refused(
        runMutants(root, [SIDES], options),
        /must pass without any change, but "an area is a product \| of sides" fails\.$/,
      );
    })
  ));

Deno.test("a run that is ended leaves nothing", () =>
  withProject((root) =>
    leavingNothing(async () => {
      const controller = new AbortController();
      const onStart = () => setTimeout(() => controller.abort(), 50);
      await assert.rejects(
        runMutants(root, [SIDES], { jobs: 1, signal: controller.signal, onStart }),
        { name: "AbortError" },
      );
    })
  ));

Deno.test("the table's texts occur, its tests are there, and results/mutants.md is of it", async () => {
  assert.deepEqual(await impossible(ROOT, MUTANTS), []);
  for (const path of new Set(MUTANTS.flatMap(({ tests }) => tests))) {
    assert((await Deno.stat(join(ROOT, path))).isFile);
  }
  const found = (await Deno.readTextFile(join(ROOT, "results/mutants.md"))).split("\n");
  const outcome = { kind: "failed", test: "", message: "" } as const;
  const expected = mutantsPage(MUTANTS.map((mutant) => ({ mutant, outcome, seconds: 1 }))).split(
    "\n",
  );
  assert.equal(found.length, expected.length, "deno task mutants writes results/mutants.md anew");
  for (const [i, line] of expected.entries()) {
    // Which of several tests is the first to fail is not known here.
    assert(found[i]!.startsWith(line.replace(/ \|$/, "")), `line ${i + 1} is ${found[i]}`);
  }
});

Deno.test("mutants: wrong calls are one sentence", () =>
  withFolder(async (folder) => {
    const refuse = async (args: string[], message: RegExp) =>
      assertOneSentence(await runTask("mutants", args, folder), message, 2);
    await refuse(["--jobs", "0"], /--jobs is 0, expected a whole number from 1 to/);
    await refuse(["--only", "no such thing"], /no change of the table has "no such thing" in it\./);
    await refuse(["everything"], /everything/);
  }));
