/** Tries targets that have a fault each, and prints what the harness says of them. */
import { join } from "node:path";
import process from "node:process";
import { readCorpus } from "../../checks/fuzz/corpus.ts";
import { type Target, WrongResult } from "../../checks/fuzz/targets.ts";
import { Trials } from "../../checks/fuzz/trial.ts";

const folder = Deno.args[0]!;
const kept: unknown[] = [];
const TARGETS: Record<string, Target> = {
  "a sound target": () => Promise.resolve(),
  "a wrong type": () => Promise.reject(new TypeError("x is no function")),
  "a NaN": () => Promise.reject(new WrongResult("the fit: a holds NaN.")),
  "a rejection that nobody awaits": async () => {
    Promise.reject(new RangeError("late"));
    await new Promise((resolve) => setTimeout(resolve, 100));
  },
  "a file left open": async () => void kept.push(await Deno.open(folder)),
  "a file left behind": () => Deno.writeTextFile(join(folder, "rest"), ""),
  "a slow one": () => {
    const begun = process.cpuUsage();
    for (let used = 0; used < 2.2e6;) {
      for (let i = 0; i < 1e7; i++) used = Math.sqrt(i);
      const { user, system } = process.cpuUsage(begun);
      used = user + system;
    }
    return Promise.resolve();
  },
  "a large one": () => Promise.resolve(void kept.push(new Uint8Array(400 * 2 ** 20).fill(1))),
  "a sound target again": () => Promise.resolve(),
};

let target: Target = () => Promise.resolve();
const any: Target = (input) => target(input);
const trials = new Trials({ readers: any, tokens: any, checkpoints: any }, folder);
const entry = readCorpus().readers[0]!;
const said: Record<string, string | null> = {};
for (const [name, faulty] of Object.entries(TARGETS)) {
  target = faulty;
  const fault = await trials.try({ target: "readers", entry, bytes: entry.bytes, isDeep: true });
  said[name] = fault?.signature ?? null;
}
console.log(JSON.stringify(said));
