/** deno task figures draws what lies in results/figures: nothing there is edited by hand. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertOneSentence, ROOT, runTask, withFolder } from "../support.ts";

const FOLDER = join(ROOT, "results/figures");

async function contents(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name } of Deno.readDirSync(FOLDER)) {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(join(FOLDER, name)));
    found.set(name, Array.from(new Uint8Array(digest), (byte) => byte.toString(16)).join(""));
  }
  return found;
}

Deno.test("deno task figures, from any folder, draws the committed figures and the page again", () =>
  withFolder(async (folder) => {
    const before = await contents();
    const { code, stdout, stderr } = await runTask("figures", [], folder);
    assert.equal(code, 0, stderr);
    for (
      const name of [
        "Figure 1, left",
        "Figure 1, right",
        "Figure 7, math",
        "Figure 8, left",
        "Figure 8, right",
        "Theory: the error of first order",
        "Theory: where first order breaks",
        "Theory: the change of states",
        "Figure 11",
        "Figure 11 in the lab",
        "Table 1",
        "Table 2",
      ]
    ) {
      assert(stdout.includes(`${name}: results/figures/`), `${name} was not drawn`);
    }
    assert.match(stdout, /results\/figures\/index\.html\s*$/);
    assert.deepEqual(await contents(), before);
  }));

Deno.test("a wrong option or name of a figure is one sentence", async () => {
  const { code, stderr } = await runTask("fig1", ["--fast"], ROOT);
  assert.equal(code, 2);
  assert.match(stderr, /^error: Unknown option '--fast'/);
  const unknown = await runTask("figures", ["fig15"], ROOT);
  assertOneSentence(unknown, /^error: there is no figure fig15, expected one of fig1, /, 2);
});
