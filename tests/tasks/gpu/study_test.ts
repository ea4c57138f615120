/** `deno task study` as a user runs it, on a small grid: its lists, two processes at once, and one that is killed. */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { assertOneSentence, type Outcome, ROOT, run } from "../../support.ts";
import { namesOf, stepsOf, withStudy } from "./small_study.ts";

async function study(checkout: string, ...args: string[]): Promise<Outcome> {
  const task = ["task", "--quiet", "--config", join(checkout, "deno.json"), "study", ...args];
  return await run(Deno.execPath(), task, { cwd: checkout });
}

/** Standard output of a call that must succeed. */
async function printed(checkout: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await study(checkout, ...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

Deno.test("study: several processes share the runs, each of which is made once", async () => {
  const grid = [{}, { seed: 2 }, { algorithm: "prime" }, { temperature: 0.5 }];
  const names = namesOf(grid);
  await withStudy(grid, async (checkout) => {
    assert.equal(await printed(checkout, "--missing"), names.map((name) => `${name}\n`).join(""));
    assert.equal(await printed(checkout, "--missing", names[1]!), `${names[1]}\n`);
    assert.match(await printed(checkout, "--list", "fig1"), /\n4 runs missing\n$/);

    const outcomes = await Promise.all([1, 2, 3].map(() => study(checkout)));
    for (const { code, stderr } of outcomes) assert.equal(code, 0, stderr);
    const lines = outcomes.flatMap(({ stdout }) => stdout.split("\n"));
    const made = lines.filter((line) => names.includes(line));
    assert.deepEqual(made.sort(), [...names].sort());
    assert.equal(lines.filter((line) => line.startsWith("base model ")).length, 1);
    for (const name of names) assert.deepEqual(await stepsOf(checkout, name), [1, 2]);
    const left = Array.from(Deno.readDirSync(join(checkout, "runs/study")), ({ name }) => name);
    assert.deepEqual(left.sort(), names.map((name) => `${name}.lock`).sort());

    assert.equal(await printed(checkout), "no run is missing\n");
    assert.equal(await printed(checkout, "--missing"), "");
    await Deno.remove(join(checkout, "results/logs", `${names[1]}.jsonl`));
    assert.equal(await printed(checkout, "--missing"), `${names[1]}\n`);
    // By now it is known how long a run takes.
    const list = (await printed(checkout, "--list")).trimEnd().split("\n");
    assert.match(list[0]!, /^ {6}done {2}qwen.*seed1\S* {2}\(fig1\)$/);
    assert.match(list[1]!, /^ +\d+ (?:s|min) {2}qwen.*seed2\S* {2}\(fig1\)$/);
    assert.match(list.at(-1)!, /^1 run missing, about \d+ (?:s|min)$/);
    const rows = JSON.parse(await printed(checkout, "--list", "--json"));
    assert.deepEqual(rows.map(({ name }: { name: string }) => name), names);
    assert.deepEqual(
      rows.map(({ finished }: { finished: boolean }) => finished),
      [true, false, true, true],
    );
    assert.equal(rows[3].settings.temperature, 0.5);
    assert.deepEqual(rows[3].figures, ["fig1"]);
    // A reward model takes as long again.
    assert(Math.abs(rows[2].seconds / rows[0].seconds - 2) < 1e-9);
  });
});

Deno.test("study: a run that is killed goes on to the same log", async () => {
  const grid = [{ steps: 20 }];
  const [name] = namesOf(grid) as [string];
  await withStudy(grid, async (checkout) => {
    await printed(checkout);
    const log = join(checkout, "results/logs", `${name}.jsonl`);
    const whole = await Deno.readTextFile(log);
    await Deno.remove(log);

    const { INIT_CWD: _, ...env } = Deno.env.toObject();
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--allow-all", "commands/study.ts"],
      cwd: checkout,
      clearEnv: true,
      env,
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let text = "";
    for await (const chunk of process.stdout) {
      const before = text.includes("step 3/20");
      text += new TextDecoder().decode(chunk);
      if (!before && text.includes("step 3/20")) process.kill("SIGKILL");
    }
    assert.equal((await process.status).success, false);
    assert.equal(await printed(checkout, "--missing"), `${name}\n`);
    const [, step] = /\nstep (\d+)\/20 /.exec(await printed(checkout))!;
    assert(Number(step) > 1, `it went on with step ${step}`);
    assert.equal(await Deno.readTextFile(log), whole);
  });
});

Deno.test("fig1 --rerun makes the logs again, puts them in the place of the others, and draws", async () => {
  const grid = [{}];
  const [name] = namesOf(grid) as [string];
  await withStudy(grid, async (checkout) => {
    const log = join(checkout, "results/logs", `${name}.jsonl`);
    await Deno.mkdir(join(checkout, "results/logs"));
    await Deno.writeTextFile(log, "an older log\n");
    await cp(join(ROOT, "results/paper"), join(checkout, "results/paper"), { recursive: true });
    const task = ["task", "--quiet", "--config", join(checkout, "deno.json"), "fig1", "--rerun"];
    const { code, stdout, stderr } = await run(Deno.execPath(), task, { cwd: checkout });
    assert.equal(code, 0, stderr);
    assert(stdout.startsWith("making 1 run\n"), stdout);
    assert.match(stdout, /results\/figures\/fig01_left\.svg/);
    assert.deepEqual(await stepsOf(checkout, name), [1, 2]);
    await Deno.stat(join(checkout, "results/figures/fig01_left.png"));
  });
});

Deno.test("study: what is wrong is said in one sentence", async () => {
  const grid = [{}, { seed: 2 }];
  const [first, second] = namesOf(grid) as [string, string];
  await withStudy(grid, async (checkout) => {
    const refused = async (args: string[], expected: RegExp, code = 2) =>
      assertOneSentence(await study(checkout, ...args), expected, code);
    await refused(["fig2"], /there is no run or figure fig2, expected one that /);
    await refused(["--json"], /--json is without --list/);
    await refused(["--list", "--missing"], /--list and --missing are two things/);

    const { code: told, stderr: missing } = await study(checkout, "--conditions");
    assert.equal(told, 1);
    assert.match(
      missing,
      /^error: math: 4 runs are missing, \S+, \S+, \S+, \S+; deno task study conditions makes them\.\nerror: code: 4 /,
    );

    const logs = join(checkout, "results/logs");
    await Deno.mkdir(logs);
    const log = join(logs, `${first}.jsonl`);
    await Deno.writeTextFile(log, '{"run":{"configuration":{"prompts":3}}}\n');
    await refused([], /seed1\S*\.jsonl was made with prompts 3, expected 2; move it away/, 1);
    await Deno.remove(log);

    // A run that cannot be made does not keep others from being made.
    const unfinished = join(checkout, "runs/study");
    await Deno.mkdir(unfinished, { recursive: true });
    await Deno.writeTextFile(join(unfinished, `${first}.jsonl`), "my notes\n");
    const { code, stderr } = await study(checkout);
    assert.equal(code, 1);
    assert.match(stderr, /^error: qwen\S*seed1\S*: \S.* is there already, .*\n$/);
    assert.deepEqual(await stepsOf(checkout, second), [1, 2]);
  });
});
