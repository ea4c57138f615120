/** No small dump, however it is made, takes `deno task cov` much memory or time. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Expected, HOSTILE, SMALL } from "../analysis/tokens/hostile_dumps.ts";
import { ROOT, withFolder } from "../support.ts";

/** The most memory, in MB, and time of the processor, in seconds. */
const MEMORY = 1000;
const TIME = 10;

interface Watched {
  code: number;
  stdout: string;
  stderr: string;
  /** Peak of the resident set, in MB. */
  memory: number;
  /** Time of the processor, in seconds. */
  time: number;
}

/** Runs `cov` with the flags of its task, and watches what it takes. */
async function watched(args: string[], folder: string): Promise<Watched> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const words: string[] = tasks.cov.command.split(" ");
  const isAssignment = (word: string) => /^\w+=/.test(word);
  const [, ...flags] = words.filter((word) => !isAssignment(word));
  const env = Object.fromEntries(words.filter(isAssignment).map((word) => word.split("=")));
  const child = new Deno.Command(Deno.execPath(), {
    args: [...flags.slice(0, -1), join(ROOT, flags.at(-1)!), ...args],
    env: { ...env, NO_COLOR: "1", INIT_CWD: folder },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let [memory, time] = [0, 0];
  const watch = setInterval(() => {
    // By a program: Deno asks for all permissions to read there.
    const { success, stdout } = new Deno.Command("cat", {
      args: [`/proc/${child.pid}/status`, `/proc/${child.pid}/stat`],
      stderr: "null",
    }).outputSync();
    if (!success) return; // It has ended.
    const status = new TextDecoder().decode(stdout);
    const after = status.split(") ").at(-1);
    const fields = after!.split(" ");
    memory = Math.max(memory, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    // utime and stime, in hundredths of a second.
    time = (Number(fields[11]) + Number(fields[12])) / 100;
    if (memory <= MEMORY && time <= TIME) return;
    clearInterval(watch);
    child.kill();
  }, 20);
  const { code, stdout, stderr } = await child.output();
  clearInterval(watch);
  const decoded = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decoded(stdout), stderr: decoded(stderr), memory, time };
}

function assertOutcome({ code, stdout, stderr }: Watched, expected: Expected): void {
  const said = stderr.slice(0, 1000);
  if (typeof expected === "number") {
    assert.equal(code, 0, said);
    assert.equal(JSON.parse(stdout).tokens, expected);
    return;
  }
  assert.equal(code, 1, said);
  assert(expected.test(stderr), said);
  assert(/^error: [^\n]+\.\n$/.test(stderr), said);
  assert.equal(stdout, "");
}

for (const [name, make] of Object.entries(HOSTILE)) {
  Deno.test({
    name: `cov: ${name} takes less than 1 GB and 10 s`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      withFolder(async (folder) => {
        const [bytes, expected] = make();
        assert(bytes.length <= SMALL, `${bytes.length} bytes`);
        await Deno.writeFile(join(folder, name), bytes);
        const outcome = await watched([name, "--json", "--out", "out"], folder);
        const { memory, time } = outcome;
        assert(memory > 0 && memory < MEMORY, `it took ${memory} MB`);
        assert(time < TIME, `it took ${time} s`);
        assertOutcome(outcome, expected);
      }),
  });
}
