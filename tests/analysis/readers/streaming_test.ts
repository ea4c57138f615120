/** Large logs stream: memory does not grow with the file. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT, run, withFolder } from "../../support.ts";
import { verlConsole } from "./write_logs.ts";

const READ = `
import { readRun } from ${JSON.stringify(join(ROOT, "analysis/readers/read_run.ts"))};
const run = await readRun(Deno.args[0]);
const peak = Number(/VmHWM:\\s+(\\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))[1]);
console.log(JSON.stringify({ peak: peak / 1024, entropies: run.entropy.values.length }));
`;

Deno.test({
  name: "a console log of 150 MB, plain and gzipped, is read in under 300 MB",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (folder) => {
      const script = join(folder, "read.ts");
      await Deno.writeTextFile(script, READ);
      // Nothing but metric lines of 100 keys each: the worst case, as every line is parsed.
      const steps = 3000;
      const log = verlConsole(Array.from({ length: steps }, (_, step) => ({
        step,
        values: {
          "actor/entropy": 1 / (step + 1),
          ...Object.fromEntries(
            Array.from({ length: 99 }, (_, i) => [`timing_s/part_${i}`, step + i / 7]),
          ),
        },
      })));
      const path = join(folder, "large.log");
      const bytes = new TextEncoder().encode(log);
      const file = await Deno.open(path, { write: true, create: true });
      for (let size = 0; size < 150e6; size += bytes.length) await file.write(bytes);
      file.close();
      await Deno.writeFile(`${path}.gz`, gzipSync(await Deno.readFile(path), { level: 1 }));
      for (const name of [path, `${path}.gz`]) {
        const { stdout } = await run(Deno.execPath(), [
          "run",
          "--allow-all",
          "--config",
          join(ROOT, "deno.json"),
          script,
          name,
        ]);
        const { peak, entropies } = JSON.parse(stdout);
        assert.equal(entropies, steps);
        assert(peak < 300, `reading ${name} took ${peak} MB`);
      }
    }),
});
