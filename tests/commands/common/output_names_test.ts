/** What a command writes is named after its inputs, stays in its folder, and replaces none of them. */
import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { checkOutputs, outputNames } from "../../../commands/common/output_names.ts";
import { UserError } from "../../../formats/errors.ts";
import { withFolder } from "../../support.ts";

const ENDINGS = /(?:\.npz|\.jsonl)?(?:\.gz)?$/;

Deno.test("outputs are called as their inputs, and by the whole path where these are called alike", () => {
  assert.deepEqual(outputNames(["x/my dump.npz", "y/b.jsonl.gz", "c"], ENDINGS), [
    "my dump",
    "b",
    "c",
  ]);
  assert.deepEqual(outputNames(["s/1/a.npz", "./s/2/a.npz", "b.npz"], ENDINGS), [
    "s.1.a.npz",
    "s.2.a.npz",
    "b",
  ]);
  assert.deepEqual(outputNames(["/s/a.npz", "s/a.npz", "s/A.npz"], ENDINGS), [
    "s.a.npz",
    "s.a.npz-2",
    "s.A.npz-3",
  ]);
});

Deno.test("standard input and other descriptors are called so", () => {
  assert.deepEqual(
    outputNames(["-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/4", "fd/63"], ENDINGS),
    ["stdin", "stdin-2", "pipe", "pipe-2", "63"],
  );
});

Deno.test("names that are no names of files in a folder are made into such", () => {
  const named = (path: string) => outputNames([path], ENDINGS)[0];
  assert.equal(named("..npz"), "..npz");
  assert.equal(named("...npz"), "...npz");
  assert.equal(named(".npz"), ".npz");
  assert.equal(named(".hidden.npz"), ".hidden");
  assert.equal(named("-k.npz"), "-k");
  assert.equal(named("a\x1b[2J\n\u202eb\\c.npz"), "a_[2J__b_c");
  assert.equal(named("$&$'\"<.npz"), "$&$'\"<");
  assert.equal(named("é".repeat(125) + ".npz"), "é".repeat(100));
});

Deno.test("whatever the inputs are called, each has a name of its own in the folder", () => {
  const part = fc.oneof(
    fc.constantFrom(
      ".",
      "..",
      "a",
      "A",
      "a.npz",
      ".npz",
      "..npz",
      "...npz",
      "a.npz.gz",
      "-",
      "\u202e",
    ),
    fc.string({ unit: "grapheme", minLength: 1 }).filter((name) => !/[\0/]/.test(name)),
  );
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(fc.array(path, { maxLength: 8 }), (paths) => {
      // A path that ends in dots alone is a folder.
      const files = paths.filter((one) => !/^\.*$/.test(basename(one)));
      const names = outputNames(files, ENDINGS);
      assert.equal(new Set(names.map((name) => name.toLowerCase())).size, files.length);
      for (const name of names) {
        const output = join("out", `${name}.cov.svg`);
        assert.equal(dirname(output), "out");
        assert.notEqual(name, "");
        assert.match(name, /^[^\p{Cc}\p{Bidi_Control}/\\]*$/u);
        assert(new TextEncoder().encode(name).length < 220);
      }
    }),
    { numRuns: 1000, seed: 1 },
  );
});

Deno.test({
  name: "what is read is not replaced, by whatever path it is named",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const at = (...parts: string[]) => join(folder, ...parts);
      await Deno.writeTextFile(at("a.selected.jsonl"), "");
      await Deno.mkdir(at("real/a.cov.svg"), { recursive: true });
      await Deno.symlink(at("real"), at("linked"));
      await Deno.writeTextFile(at("real/b.selected.jsonl"), "");
      await Deno.symlink(at("real/b.selected.jsonl"), at("link"));
      const yes = () => Promise.resolve(true);
      const refuses = (output: string, input: string, sentence: RegExp) =>
        assert.rejects(
          checkOutputs([output], [input], yes),
          (error) => error instanceof UserError && sentence.test(error.message),
        );
      await refuses(at("a.selected.jsonl"), at("real/../a.selected.jsonl"), /is to be read; name/);
      await refuses(at("linked/b.selected.jsonl"), at("real/b.selected.jsonl"), /is to be read/);
      await refuses(at("real/b.selected.jsonl"), at("link"), /is to be read/);
      await refuses(at("link"), at("link"), /is to be read/);
      await refuses(at("real/a.cov.svg"), at("link"), /a\.cov\.svg is a folder, where a file is/);
      await checkOutputs([at("a.selected.jsonl")], [at("link"), "-"], yes);
      await checkOutputs([at("none/a.selected.jsonl")], [at("a.selected.jsonl")], yes);
      const isNone = () => Promise.resolve(false);
      await checkOutputs([at("a.selected.jsonl")], [at("a.selected.jsonl")], isNone);
    }),
});
