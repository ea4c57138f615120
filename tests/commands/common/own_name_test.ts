/** Outputs of one name replace those of the same log, and of no other. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { logComment, ownName } from "../../../commands/common/own_name.ts";
import { withFolder } from "../../support.ts";

Deno.test("a name is that of the same logs, and has a number where it is of others", () =>
  withFolder(async (folder) => {
    const [one, other] = ["x/log.csv", "y/log.csv"].map((source) =>
      logComment([{ source, name: "log.csv" }])
    );
    const nameFor = (comment: string, taken = new Set<string>()) =>
      ownName(folder, { name: "log", kind: "fit", taken }, comment);
    assert.equal(await nameFor(one!), "log.fit");
    await Deno.writeTextFile(join(folder, "log.fit.svg"), `<svg/>${one}\n<!-- a mark -->\n`);
    assert.equal(await nameFor(one!), "log.fit");
    assert.equal(await nameFor(other!), "log-2.fit");
    assert.equal(await nameFor(one!, new Set(["log.fit"])), "log-2.fit");
  }));
