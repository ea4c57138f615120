/** Temporary files have no name, so nothing is left of them however the process ends. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { UserError } from "../../formats/errors.ts";
import { readTokens } from "../../analysis/tokens/read_tokens.ts";
import { readAt } from "../../formats/file_bytes.ts";
import { temporaryFile } from "../../formats/temporary_file.ts";
import { withFolder } from "../support.ts";

/** Runs `body` with the system's temporary folder at `folder`. */
async function withTemporaryFolder(folder: string, body: () => Promise<void>): Promise<void> {
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", folder);
  try {
    await body();
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
  }
}

const names = (folder: string) => Array.from(Deno.readDirSync(folder), ({ name }) => name);

Deno.test({
  name: "a temporary file holds what was written though its folder is empty",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder((folder) =>
      withTemporaryFolder(folder, async () => {
        const temporary = temporaryFile();
        const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
        temporary.append(bytes);
        const back = new Uint8Array(2000);
        assert.equal(readAt(temporary.file, 100, back), 900);
        assert.deepEqual(back.subarray(0, 900), bytes.subarray(100));
        assert.deepEqual(names(folder), []);
        temporary.close();

        const path = join(folder, "dump.jsonl");
        await Deno.writeTextFile(path, '{"log_prob":[-1,-2],"advantages":[1,2]}\n');
        using dump = await readTokens(path);
        assert.equal(dump.tokens, 2);
        assert.deepEqual(names(folder), ["dump.jsonl"]);
      })
    ),
});

Deno.test("a temporary folder that cannot be written to is named in a sentence", () =>
  withFolder((folder) =>
    withTemporaryFolder(join(folder, "none"), async () => {
      const path = join(folder, "dump.jsonl");
      await Deno.writeTextFile(path, '{"log_prob":[-1,-2],"advantages":[1,2]}\n');
      await assert.rejects(
        () => readTokens(path),
        (error) =>
          error instanceof UserError &&
          /^the temporary file cannot be written: .* \(TMPDIR names its folder\)\.$/
            .test(error.message),
      );
    })
  ));
