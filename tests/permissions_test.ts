/** What each task may do, and that it can do its work with that. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CANDIDATES } from "../checks/browser/chromium.ts";
import { ROOT, run, runTask, withFolder } from "./support.ts";

const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))) as {
  tasks: Record<string, { command: string }>;
};

/** Where it was called from, and whether the terminal has colours; other variables are as if unset. */
const ENVIRONMENT = ["--allow-env=INIT_CWD,TERM,COLORTERM", "--ignore-env"];
/** Users name any file, and packages lie in Deno's cache. */
const READ = "--allow-read";
/** Users name any folder with --out, and token dumps need the system's temporary one. */
const WRITE = "--allow-write";
/** Figures and logs go to one place; git tells the code's version for logs that are made again. */
const FIGURES = [READ, "--allow-write=results,runs", ...ENVIRONMENT, "--allow-run=git"];

/** The permissions of each task's program. WebGPU needs none. */
const TABLE: Record<string, readonly string[]> = {
  figures: FIGURES,
  fig1: FIGURES,
  fig2: FIGURES,
  fig3: FIGURES,
  fig4: FIGURES,
  fig5: FIGURES,
  fig6: FIGURES,
  fig7: FIGURES,
  theory: FIGURES,
  tuning: FIGURES,
  fig8: FIGURES,
  fig9: FIGURES,
  fig10: FIGURES,
  fig11: FIGURES,
  fig12: FIGURES,
  table1: FIGURES,
  table2: FIGURES,
  fig13: FIGURES,
  fig14: FIGURES,
  fit: [READ, WRITE, ...ENVIRONMENT],
  diagnose: [READ, WRITE, ...ENVIRONMENT],
  cov: [READ, WRITE, ...ENVIRONMENT],
  claims: [READ, ...ENVIRONMENT],
  pretrain: [READ, WRITE, ...ENVIRONMENT],
  // git tells the version of the code, which the log holds.
  train: [READ, WRITE, ...ENVIRONMENT, "--allow-run=git"],
  study: [READ, WRITE, ...ENVIRONMENT, "--allow-run=git"],
  play: [READ, ...ENVIRONMENT],
  // For --browser: a page on loopback, and a Chromium on PATH with a profile of its own; it runs without
  // its sandbox where the user is root.
  conformance: [
    READ,
    WRITE,
    "--allow-env=INIT_CWD,TERM,COLORTERM,PATH",
    "--ignore-env",
    "--allow-sys=uid",
    "--allow-net=127.0.0.1",
    `--allow-run=${CANDIDATES.join(",")}`,
  ],
  // The processor's name, and PyTorch as a peer.
  bench: [READ, ...ENVIRONMENT, "--allow-sys=cpus", "--allow-run=python3,/usr/bin/python3"],
  // It runs the tests, in a copy.
  mutants: [READ, WRITE, ...ENVIRONMENT, "--allow-run"],
  // It starts itself again, whatever the name that it was started by, to watch over crashes and hangs.
  fuzz: [READ, WRITE, ...ENVIRONMENT, "--allow-run"],
  // Tests run the tasks, copies of denow, and programs that they write, with environments of their own; for
  // root no file is unreadable.
  test: [READ, WRITE, "--allow-env", "--allow-run", "--allow-sys=uid"],
  ok: [],
};

/** The words of a command, as the shell of tasks splits them. */
function words(command: string): string[] {
  return Array.from(command.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain!);
}

/** Each once: a task may start two programs, side by side. */
function permissionsOf(command: string): string[] {
  const permissions = words(command).filter((word) =>
    /^(?:-[A-Z].*|--(?:allow|deny|ignore|permission)-.*)$/.test(word)
  );
  return [...new Set(permissions)];
}

Deno.test("every task has the permissions that it needs and no others", () => {
  const found = Object.fromEntries(
    Object.entries(tasks).map(([name, { command }]) => [name, permissionsOf(command)]),
  );
  assert.deepEqual(found, TABLE);
});

Deno.test("no task asks a person, or fetches code or data", async () => {
  const programs = Object.entries(tasks).filter(([, { command }]) =>
    /deno (?:run|test) /.test(command)
  );
  assert.equal(programs.length, Object.keys(tasks).length - 1, "all but ok");
  await withFolder(async (folder) => {
    const probe = join(folder, "probe.ts");
    await Deno.writeTextFile(
      probe,
      `const allowed = async (work: () => unknown) => {
         try { await work(); } catch (error) { return !/^Requires .* access|--no-remote/.test(error.message); }
         return true;
       };
       console.log(JSON.stringify({
         connect: await allowed(() => Deno.connect({ hostname: "192.0.2.1", port: 9 })),
         listen: await allowed(() => Deno.listen({ hostname: "0.0.0.0", port: 0 }).close()),
         import: await allowed(() => import("https://deno.land/" + "none.ts")),
         library: await allowed(() => Deno.dlopen("none.so", {})),
         environment: Deno.env.get("SECRET") !== undefined,
       }));`,
    );
    for (const [name, { command }] of programs) {
      const given = words(command).filter((word) => /^--(?:no-|allow-|deny-|ignore-)/.test(word));
      const flags = [...new Set(given)];
      assert(flags.includes("--no-prompt") && flags.includes("--no-remote"), name);
      const { stdout, stderr } = await run(
        Deno.execPath(),
        ["run", "--quiet", "--no-config", ...flags, probe],
        { cwd: ROOT, env: { SECRET: "1" } },
      );
      assert.notEqual(stdout, "", stderr);
      assert.deepEqual(JSON.parse(stdout), {
        connect: false,
        listen: false,
        import: false,
        library: false,
        environment: name === "test",
      }, name);
    }
  });
});

Deno.test("every task starts with its permissions, from any folder", async () => {
  // Single figures are as all of them, and tests run the tests.
  const others = /^(?:fig\d+|table\d|theory|tuning|test|ok)$/;
  await withFolder(async (folder) => {
    for (const name of Object.keys(tasks).filter((name) => !others.test(name))) {
      const { code, stdout, stderr } = await runTask(name, ["--help"], folder);
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`deno task ${name}`));
    }
  });
});

Deno.test(
  "on a terminal too, with its colours",
  { ignore: Deno.build.os !== "linux" },
  async () => {
    const log = join(ROOT, "results/logs/qwen2.5-7b.math.grpo.none.seed1.jsonl.gz");
    await withFolder(async (folder) => {
      const onTerminal = async (env: Record<string, string>) => {
        const { NO_COLOR: _, INIT_CWD: __, ...rest } = Deno.env.toObject();
        const config = join(ROOT, "deno.json");
        const command = `'${Deno.execPath()}' task --quiet --config '${config}' diagnose '${log}'`;
        const process = new Deno.Command("script", {
          args: ["--quiet", "--return", "--command", command, "/dev/null"],
          cwd: folder,
          clearEnv: true,
          env: { ...rest, TERM: "xterm-256color", ...env },
          stdin: "null",
        });
        const { code, stdout } = await process.output();
        const text = new TextDecoder().decode(stdout);
        assert.equal(code, 0, text);
        return text;
      };
      const isColored = (text: string) => text.includes("\x1b[3");
      assert(isColored(await onTerminal({})));
      assert(!isColored(await onTerminal({ NO_COLOR: "1" })));
    });
  },
);

Deno.test("a log names the code's version where CUDA's libraries are on LD_LIBRARY_PATH", async () => {
  await withFolder(async (folder) => {
    const script = join(folder, "version.ts");
    const module = new URL("../commands/common/code_version.ts", import.meta.url);
    await Deno.writeTextFile(
      script,
      `import { codeVersion } from "${module}";\nconsole.log(await codeVersion());`,
    );
    const flags = permissionsOf(tasks["train"]!.command);
    const { stdout, stderr } = await run(
      Deno.execPath(),
      ["run", "--quiet", "--no-prompt", "--config", join(ROOT, "deno.json"), ...flags, script],
      { env: { LD_LIBRARY_PATH: "/usr/local/cuda/lib64" } },
    );
    const described = await run("git", ["describe", "--always", "--dirty", "--exclude=*"], {
      cwd: ROOT,
    });
    assert.equal(stdout, described.code === 0 ? described.stdout : "unknown\n", stderr);
  });
});
