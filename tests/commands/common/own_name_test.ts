/** Outputs of one name replace those of the same log, and of no other. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { logComment, ownName } from "../../../commands/common/own_name.ts";
import { withFolder } from "../../support.ts";

Deno.test("a name is that of the same logs, and has a number where it is of others", () =>
  withFolder(async (folder) => {
    const [one, other] = ["x/log.csv", "y/log.csv"].map((source) =>
      logComment([{ source, name: "log.csv", series: new Map() }])
    );
    const nameFor = (comment: string, taken = new Set<string>()) =>
      ownName(folder, { name: "log", kind: "fit", taken }, comment);
    assert.equal(await nameFor(one!), "log.fit");
    await Deno.writeTextFile(join(folder, "log.fit.svg"), `<svg/>${one}\n<!-- a mark -->\n`);
    assert.equal(await nameFor(one!), "log.fit");
    assert.equal(await nameFor(other!), "log-2.fit");
    assert.equal(await nameFor(one!, new Set(["log.fit"])), "log-2.fit");
    // Several runs of one log, beside outputs of another: one number each.
    const taken = new Set<string>();
    const names = [await nameFor(other!, taken), await nameFor(other!, taken)];
    assert.deepEqual(names, ["log-2.fit", "log-3.fit"]);
  }));

Deno.test("what was piped in is known again by its values, as its name says nothing", () => {
  const commentOf = (source: string, ...values: number[]) => {
    const series = { steps: Float64Array.of(0, 1), values: Float64Array.from(values) };
    return logComment([{ source, name: source, series: new Map([["entropy", series]]) }]);
  };
  for (const source of ["standard input", "/dev/fd/63", "/proc/self/fd/11"]) {
    assert.equal(commentOf(source, 1, 0.5), commentOf(source, 1, 0.5));
    assert.notEqual(commentOf(source, 1, 0.5), commentOf(source, 1, 0.4));
  }
  assert.equal(commentOf("a.csv", 1, 0.5), commentOf("a.csv", 1, 0.4));
});
