/** A cluster of Slurm that has one node, this machine, and lives in a temporary folder. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../support.ts";

const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel"];

/** The programs of Slurm and MUNGE that PATH lacks. */
export const LACKING: readonly string[] = PROGRAMS.filter((name) =>
  !Deno.env.get("PATH")!.split(":").some((folder) => isThere(join(folder, name)))
);

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A cluster, by its commands. */
export interface Cluster {
  /** The environment in which commands of Slurm mean this cluster. */
  readonly env: Readonly<Record<string, string>>;
  /** What a command of Slurm prints. */
  command(name: string, ...args: string[]): Promise<string>;
}

/** Runs `body` with a cluster whose node takes six jobs at once, and ends the cluster with all its jobs. */
export async function withCluster(body: (cluster: Cluster) => Promise<void>): Promise<void> {
  // Neither paths of sockets nor slurm.conf have room for what `withFolder` puts into names.
  const folder = await Deno.makeTempDir({ prefix: "slurm" });
  const daemons: Deno.ChildProcess[] = [];
  const start = (name: string, ...args: string[]) =>
    daemons.unshift(
      new Deno.Command(name, { args, env, stdin: "null", stdout: "null", stderr: "null" }).spawn(),
    );
  const env = { SLURM_CONF: join(folder, "slurm.conf") };
  const cluster: Cluster = {
    env,
    async command(name, ...args) {
      const { code, stdout, stderr } = await run(name, args, { env });
      assert.equal(code, 0, stderr);
      return stdout;
    },
  };
  try {
    // MUNGE wants all users to reach its socket, and none to read its key.
    await Deno.chmod(folder, 0o755);
    const key = crypto.getRandomValues(new Uint8Array(1024));
    await Deno.writeFile(join(folder, "key"), key, { mode: 0o400 });
    const { stdout: user } = await run("id", ["-un"]);
    await Deno.writeTextFile(env.SLURM_CONF, configuration(folder, user.trim()));
    const files = ["key", "socket", "pid", "log", "seed"].map((name) =>
      `--${name}-file=${join(folder, name)}`.replace("--socket-file", "--socket")
    );
    start("munged", "--foreground", ...files);
    await until("MUNGE's socket", () => Deno.lstat(join(folder, "socket")).then(() => true));
    start("slurmctld", "-D");
    start("slurmd", "-D", "-N", "localhost");
    await until("the node", async () => /^idle/.test(await cluster.command("sinfo", "-ho", "%T")));
    await body(cluster);
  } finally {
    await cluster.command("scancel", "--user", String(Deno.uid())).catch(() => {});
    await until("the end of jobs", async () => await cluster.command("squeue", "-h") === "")
      .catch(() => {});
    for (const daemon of daemons) {
      daemon.kill();
      await daemon.status;
    }
    await Deno.remove(folder, { recursive: true });
  }
}

function configuration(folder: string, user: string): string {
  const port = 20_000 + Math.floor(10_000 * Math.random());
  return `
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort=${port}
SlurmdPort=${port + 1}
SlurmUser=${user}
SlurmdUser=${user}
AuthInfo=socket=${folder}/socket
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
NodeName=localhost CPUs=6
PartitionName=all Nodes=ALL Default=YES
`;
}

/** Waits until something is the case, at most three minutes; an error means that it is not. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1800; attempt++) {
    if (await isSo().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${what} did not come`);
}
