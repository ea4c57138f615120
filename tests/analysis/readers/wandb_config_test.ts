/** What W&B keeps beside a run's log. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readRun } from "../../../analysis/readers/read_run.ts";
import { settingOf } from "../../../analysis/readers/setting.ts";
import { withFolder } from "../../support.ts";
import { verlConsole, wandbBinary } from "./write_logs.ts";

const ROWS = Array.from({ length: 8 }, (_, step) => ({
  step,
  values: { "actor/entropy": 1 / (1 + step), "critic/score/mean": step / 8 },
}));
const CONFIG = `wandb_version: 1
_wandb:
  value: {python_version: 3.10.1}
actor_rollout_ref:
  desc: null
  value:
    actor: {clip_ratio_high: 0.28, entropy_coeff: 1e-2}
`;

/** A W&B run's folder with a configuration. */
async function inRun(config: string, check: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "files"));
    await Deno.writeTextFile(join(folder, "files", "config.yaml"), config);
    await check(folder);
  });
}

Deno.test("the configuration beside W&B's log is read where the log has none", () =>
  inRun(CONFIG, async (folder) => {
    const console = join(folder, "files", "output.log");
    await Deno.writeTextFile(console, verlConsole(ROWS));
    const binary = join(folder, "run-abc.wandb");
    await Deno.writeFile(binary, wandbBinary(ROWS));
    for (const path of [console, binary, folder]) {
      if (path === folder) await Deno.remove(binary);
      const { config } = await readRun(path);
      assert.equal(settingOf(config, "actor_rollout_ref.actor.clip_ratio_high"), 0.28);
      assert.equal(settingOf(config, "actor_rollout_ref.actor.entropy_coeff"), 0.01);
      assert.equal(settingOf(config, "_wandb"), undefined);
    }
    const other = join(folder, "files", "other.log");
    await Deno.rename(console, other);
    assert.equal((await readRun(other)).config, undefined);
  }));

Deno.test("a configuration that is no YAML, or refers to itself without end, is noted and not read", async () => {
  const bomb = ["a0: &a0 [x, x]"];
  for (let i = 1; i < 30; i++) bomb.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`);
  for (const config of ["a: [1,\n", bomb.join("\n"), "a: ".repeat(3), "[".repeat(100_000)]) {
    await inRun(config, async (folder) => {
      const path = join(folder, "files", "output.log");
      await Deno.writeTextFile(path, verlConsole(ROWS));
      const run = await readRun(path);
      assert.equal(run.config, undefined);
      assert.match(
        run.notes.join(" "),
        /configuration in config\.yaml beside the log cannot be read: /,
      );
    });
  }
});

Deno.test("a configuration that holds itself, or very much by references, is noted and not read", async () => {
  const many = Array.from({ length: 5_000 }, (_, i) => `k${i}: 1`).join();
  const doubled = [`a0: &a0 {value: {${many}}}`];
  for (let i = 1; i < 8; i++) doubled.push(`a${i}: &a${i} {x: *a${i - 1}, y: *a${i - 1}}`);
  for (const config of ["a: &a {value: *a}", "a: &a [*a]", doubled.join("\n")]) {
    await inRun(config, async (folder) => {
      const path = join(folder, "files", "output.log");
      await Deno.writeTextFile(path, verlConsole(ROWS));
      const run = await readRun(path);
      assert.equal(run.config, undefined);
      assert.match(run.notes.join(" "), /config\.yaml beside the log is not read: it refers to/);
    });
  }
});

Deno.test("W&B's own entries are no configuration", () =>
  inRun("wandb_version: 1\n_wandb:\n  value: {cli_version: 0.16.0}\n", async (folder) => {
    const path = join(folder, "files", "output.log");
    await Deno.writeTextFile(path, verlConsole(ROWS));
    assert.equal((await readRun(path)).config, undefined);
  }));
