/** `experiments/slurm.sh` as a user calls it: on a real cluster of one node where Slurm is installed, and where it is not. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertOneSentence, ROOT, run, withFolder } from "../../support.ts";
import { LACKING, until, withCluster } from "./small_cluster.ts";
import { namesOf, stepsOf, withStudy } from "./small_study.ts";

const SCRIPT = join(ROOT, "experiments/slurm.sh");

const STEPS = 80;
const GRID = [{}, { seed: 2 }, { seed: 3, steps: STEPS }];
const NAMES = namesOf(GRID);

/** What the tasks of all jobs have printed so far, by `JOB_TASK`. */
async function outputsOf(checkout: string): Promise<Map<string, string>> {
  const folder = join(checkout, "runs/slurm");
  const outputs = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    outputs.set(name.replace(".txt", ""), await Deno.readTextFile(join(folder, name)));
  }
  return outputs;
}

/** An environment in which denow takes the Deno that runs this test, and its packages. */
async function ownDeno(checkout: string): Promise<Record<string, string>> {
  const bin = join(checkout, "bin");
  await Deno.mkdir(bin);
  await Deno.symlink(Deno.execPath(), join(bin, "deno"));
  const { denoDir } = JSON.parse((await run(Deno.execPath(), ["info", "--json"])).stdout);
  return { DENO_DIR: denoDir, PATH: `${bin}:${Deno.env.get("PATH")}` };
}

const REASON = LACKING.length === 0 ? "" : ` (ignored: ${LACKING.join(", ")} not on PATH)`;

Deno.test({
  name: `slurm: submitted twice, each run is made once, and what is stopped goes on${REASON}`,
  ignore: LACKING.length > 0,
  fn: () =>
    withStudy(GRID, (checkout) =>
      withCluster(async ({ env: clusterEnv, command }) => {
        const env = { ...clusterEnv, ...await ownDeno(checkout) };
        const submit = async (...options: string[]) => {
          const script = join(checkout, "experiments/slurm.sh");
          const { code, stdout, stderr } = await run(script, options, { cwd: "/", env });
          assert.equal(code, 0, stderr);
          return /^Submitted batch job (\d+)$/m.exec(stdout)?.[1] ?? stdout;
        };
        const jobsEnd = () =>
          until("the end of all tasks", async () => await command("squeue", "-h") === "");

        const jobs = [await submit("--time=7"), await submit()];
        assert.match(await command("squeue", "-rho", "%l"), /^7:00$/m);

        // The long run is stopped as by preemption; Slurm would begin again two minutes later.
        let task: string | undefined;
        await until("a checkpoint of the long run", async () => {
          const outputs = await outputsOf(checkout);
          [task] = [...outputs].find(([, text]) => text.includes(`\nstep 7/${STEPS} `)) ?? [];
          return task !== undefined;
        });
        // One that has not yet seen that the run is being made would take it over.
        await until(
          "the end of the other tasks",
          async () => (await command("squeue", "-rh")).trim().split("\n").length === 1,
        );
        await command("scontrol", "requeue", task!);
        await until(
          "the task put back",
          async () => /BeginTime/.test(await command("squeue", "-hj", task!, "-o", "%r")),
        );
        await command("scontrol", "update", `JobId=${task}`, "StartTime=now");
        let goneOn = "";
        await until("a step after that", async () => {
          goneOn = (await outputsOf(checkout)).get(task!)!.split("JOB REQUEUE").at(1) ?? "";
          return goneOn.includes("\nstep ");
        });
        // Then as by a time limit.
        await command("scancel", task!);
        await jobsEnd();
        for (const name of NAMES.slice(0, 2)) {
          assert.deepEqual(await stepsOf(checkout, name), [1, 2]);
        }

        const last = await submit();
        await jobsEnd();
        const steps = await stepsOf(checkout, NAMES[2]!);
        assert.deepEqual(
          steps,
          Array.from({ length: STEPS }, (_, i) => i + 1),
        );
        assert.equal(await submit(), "no run is missing\n");
        const outputs = await outputsOf(checkout);
        const tasks = [
          ...jobs.flatMap((id) => [0, 1, 2].map((task) => `${id}_${task}`)),
          `${last}_0`,
        ];
        assert.deepEqual([...outputs.keys()].sort(), tasks.sort());
        const all = [...outputs.values()].join("");
        assert.equal(all.match(/^base model /gm)?.length, 1, all);
        // Each run was begun once.
        assert.equal(all.match(/^step 1\//gm)?.length, NAMES.length, all);
        assert.doesNotMatch(all, /^(?:error|denow): /m);
      })),
});

Deno.test("slurm: where there is no Slurm, slurm.sh says so, and how it is called", () =>
  withFolder(async (folder) => {
    const { stdout } = await run("sh", ["-c", "command -v cat; command -v dirname"]);
    const [cat, dirname] = stdout.trim().split("\n") as [string, string];
    await Deno.symlink(cat, join(folder, "cat"));
    await Deno.symlink(dirname, join(folder, "dirname"));
    const call = (...options: string[]) =>
      run("/bin/sh", [SCRIPT, ...options], { env: { PATH: folder }, clearEnv: true });
    assertOneSentence(await call("--time=7"), /^slurm\.sh: there is no sbatch here; /);
    assert.match(
      (await call("--help")).stdout,
      /\n {2}experiments\/slurm\.sh \[options of sbatch\]\n/,
    );
  }));
