/** The wrapper on a machine that has nothing: a copy of the checkout in a folder with a space. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Outcome, ROOT, run, withFolder } from "./support.ts";

const WRAPPER = Deno.readTextFileSync(join(ROOT, "denow"));
const PINNED = /^deno_version=(.*)$/m.exec(WRAPPER)![1]!;

/** A copy of the checkout's tracked and new files, without what denow installed. */
async function copyCheckout(folder: string): Promise<string> {
  const checkout = join(folder, "a checkout");
  const { stdout } = await run("git", ["ls-files", "-co", "--exclude-standard"], { cwd: ROOT });
  for (const name of stdout.trim().split("\n")) {
    if (/^(?:results\/(?:logs|figures)|tests\/(?:golden|snapshots))\//.test(name)) continue;
    await Deno.mkdir(join(checkout, name, ".."), { recursive: true });
    await Deno.copyFile(join(ROOT, name), join(checkout, name)).catch(() => {});
  }
  return checkout;
}

/** A checkout with what the wrapper itself reads. */
async function copyWrapper(folder: string): Promise<string> {
  const checkout = join(folder, "a checkout");
  await Deno.mkdir(checkout);
  for (const name of ["denow", "deno.json", "deno.lock"]) {
    await Deno.copyFile(join(ROOT, name), join(checkout, name));
  }
  return checkout;
}

/** Commands that a test may want to be missing. */
const OPTIONAL = ["deno", "npm", "curl", "timeout", "apt-get", "pacman", "apk"];

/** The commands of PATH by name. */
const COMMANDS = new Map<string, string>();
for (const directory of Deno.env.get("PATH")!.split(":")) {
  let entries: Deno.DirEntry[] = [];
  try {
    entries = Array.from(Deno.readDirSync(directory));
  } catch {
    continue; // PATH may name folders that are not there.
  }
  for (const { name } of entries) {
    if (!COMMANDS.has(name)) COMMANDS.set(name, join(directory, name));
  }
}

/** A folder of links to all commands but the optional ones; they are many, so it is made once. */
const OTHERS = Deno.makeTempDirSync({ prefix: "entropy commands " });
addEventListener("unload", () => Deno.removeSync(OTHERS, { recursive: true }));
for (const [name, path] of COMMANDS) {
  if (!OPTIONAL.includes(name)) Deno.symlinkSync(path, join(OTHERS, name));
}

/** A PATH with all commands but the named ones, and with made ones before them. */
async function makePath(
  folder: string,
  leaveOut: string[],
  made: Record<string, string> = {},
): Promise<string> {
  const path = await Deno.makeTempDir({ dir: folder, prefix: "bin" });
  for (const name of OPTIONAL) {
    const target = COMMANDS.get(name);
    if (target === undefined || leaveOut.includes(name) || name in made) continue;
    await Deno.symlink(target, join(path, name));
  }
  for (const [name, script] of Object.entries(made)) {
    await Deno.writeTextFile(join(path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return `${path}:${OTHERS}`;
}

/** The wrapper with the machine's environment (its certificates and proxies), but for PATH and caches. */
function denow(
  checkout: string,
  path: string,
  args: string[],
  { cwd = checkout, wrapper = join(checkout, "denow"), through = [] as string[] } = {},
): Promise<Outcome> {
  const { DENO_DIR: _, ...env } = Deno.env.toObject();
  const [command, ...rest] = [...through, wrapper, ...args];
  return run(command!, rest, { cwd, clearEnv: true, env: { ...env, PATH: path } });
}

Deno.test("denow sets everything up in a clean folder with a space, runs twice, and then needs no network", () =>
  withFolder(async (folder) => {
    const checkout = await copyCheckout(folder);
    const bare = await makePath(folder, ["deno"]);
    const online = (await run("npm", ["ping"])).code === 0;
    const first = await denow(checkout, bare, ["task", "table1"], { cwd: folder });
    if (!online) {
      assert.equal(first.code, 1);
      assert.match(first.stderr, /denow: could not install Deno/);
      return;
    }
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, new RegExp(`denow: installing Deno ${PINNED} into .* from npm`));
    assert.match(first.stderr, /denow: downloading the npm packages/);
    assert((await Deno.stat(join(checkout, "results/figures/table1.png"))).isFile);
    // Nothing lies outside the cache in the checkout, nor half-installed within it.
    const cached = Array.from(Deno.readDirSync(join(checkout, ".cache")), ({ name }) => name)
      .sort();
    assert.match(cached.join(" "), new RegExp(`^deno-${PINNED} deno-dir packages-[\\d-]+$`));

    const second = await denow(checkout, bare, ["task", "table1"], { cwd: folder });
    assert.equal(second.code, 0, second.stderr);
    assert.equal(second.stderr, "", "the output is the result, without the command line of Deno");

    const link = join(folder, "link");
    await Deno.symlink(join(checkout, "denow"), link);
    const linked = await denow(checkout, bare, ["--version"], { wrapper: link });
    assert.match(linked.stdout, new RegExp(`^deno ${PINNED}`));

    const old = await makePath(folder, [], { deno: 'echo "deno 2.1.0 (stable)"' });
    assert.match((await denow(checkout, old, ["--version"])).stdout, new RegExp(`^deno ${PINNED}`));

    // A package that lost a file is downloaded again.
    const npm = join(checkout, ".cache/deno-dir/npm/registry.npmjs.org");
    const [version] = Array.from(Deno.readDirSync(join(npm, "vega")), ({ name }) => name)
      .filter((name) => /^\d/.test(name));
    await Deno.truncate(join(npm, "vega", version!, "package.json"), 100);
    const repaired = await denow(checkout, bare, ["task", "table1"], { cwd: folder });
    assert.equal(repaired.code, 0, repaired.stderr);
    assert.match(
      repaired.stderr,
      new RegExp(`^denow: downloading damaged npm packages again: vega@${version} \n`),
    );

    if ((await run("unshare", ["--net", "true"]).catch(() => ({ code: 1 }))).code !== 0) return;
    const offline = await denow(checkout, bare, ["task", "table1"], {
      through: ["unshare", "--net"],
    });
    assert.equal(offline.code, 0, offline.stderr);
  }));

Deno.test("denow uses a Deno on PATH that is new enough", () =>
  withFolder(async (folder) => {
    const checkout = await copyWrapper(folder);
    const path = await makePath(folder, [], {
      deno: `[ "$1" = --version ] && echo "deno 99.0.0 (stable)" || echo "called with $*"`,
    });
    const { code, stdout } = await denow(checkout, path, ["task", "fit", "my file.log"]);
    assert.equal(code, 0);
    assert.equal(
      stdout.trim().split("\n").at(-1),
      `called with task --quiet --config ${checkout}/deno.json fit my file.log`,
    );
  }));

Deno.test("denow asks the software adapter for 512 bits where the processor has AVX-512, unless told otherwise", () =>
  withFolder(async (folder) => {
    const checkout = await copyWrapper(folder);
    const width = async (hasAvx512: boolean, given?: string) => {
      const path = await makePath(folder, [], {
        deno: `[ "$1" = --version ] && echo "deno 99.0.0" || echo "width=$LP_NATIVE_VECTOR_WIDTH"`,
        grep: `[ "$*" = "-qw avx512f /proc/cpuinfo" ] && exit ${Number(!hasAvx512)}
          exec ${COMMANDS.get("grep")} "$@"`,
      });
      const through = [
        "env",
        given === undefined ? "-uLP_NATIVE_VECTOR_WIDTH" : `LP_NATIVE_VECTOR_WIDTH=${given}`,
      ];
      const { code, stdout, stderr } = await denow(checkout, path, ["task", "fit"], { through });
      assert.equal(code, 0, stderr);
      return stdout.trim().split("\n").at(-1);
    };
    assert.equal(await width(false), "width=");
    assert.equal(await width(true), "width=512");
    assert.equal(await width(true, "256"), "width=256");
  }));

Deno.test("denow names what it could not do", () =>
  withFolder(async (folder) => {
    const checkout = await copyWrapper(folder);
    const nothing = await makePath(folder, ["deno", "npm", "curl"]);
    const { code, stderr } = await denow(checkout, nothing, ["task"]);
    assert.equal(code, 1);
    assert.match(stderr, /^denow: could not install Deno .* install Deno >= .* yourself/m);
    assert.deepEqual(Array.from(Deno.readDirSync(join(checkout, ".cache"))), []);

    const noPackages = await makePath(folder, [], {
      deno: `[ "$1" = --version ] && echo "deno 99.0.0" || exit 1`,
    });
    const packages = await denow(checkout, noPackages, ["task"]);
    assert.equal(packages.code, 1);
    assert.match(
      packages.stderr,
      /denow: could not download the npm packages; the first run needs the npm registry/,
    );
  }));

Deno.test("denow installs the software adapter where it may, and says how where it may not", () =>
  withFolder(async (folder) => {
    const checkout = await copyWrapper(folder);
    const without = `case "$1" in --version) echo "deno 99.0.0" ;; eval) echo "no adapter" ;; esac`;
    const installs = await makePath(folder, [], {
      deno:
        `case "$1" in --version) echo "deno 99.0.0" ;; eval) [ -f "${folder}/installed" ] && echo "an adapter" || echo "no adapter" ;; *) echo ran ;; esac`,
      "apt-get":
        `echo "$*" >>"${folder}/apt"; case "$*" in *mesa-vulkan-drivers*) : >"${folder}/installed" ;; esac`,
      id: "echo 0",
    });
    const root = await denow(checkout, installs, ["task", "test"]);
    assert.equal(root.code, 0, root.stderr);
    assert.match(
      root.stderr,
      /no WebGPU adapter here: installing the software adapter \(Debian package mesa-vulkan-drivers\)/,
    );
    assert.match(
      await Deno.readTextFile(join(folder, "apt")),
      /^update\ninstall -y --no-install-recommends mesa-vulkan-drivers\n$/,
    );

    const user = await makePath(folder, [], {
      deno: without,
      "apt-get": "true",
      id: "echo 1000",
      sudo: "exit 1",
    });
    const asUser = await denow(checkout, user, ["task", "test"]);
    assert.equal(asUser.code, 1);
    assert.match(
      asUser.stderr,
      /no root to install the software one; run: sudo apt-get update && sudo apt-get install -y mesa-vulkan-drivers/,
    );

    const other = await makePath(folder, ["apt-get", "pacman", "apk"], {
      deno: without,
      dnf: "true",
    });
    assert.match(
      (await denow(checkout, other, ["task", "test"])).stderr,
      /run: sudo dnf install -y mesa-vulkan-drivers/,
    );

    const figures = await denow(checkout, user, ["task", "figures"]);
    assert.equal(figures.code, 0, "a task without WebGPU needs no adapter");
  }));

/** Stands for Deno: `install` puts a package of two files into DENO_DIR, where it is not whole there. */
const FAKE_DENO = `#!/bin/sh
package=$DENO_DIR/npm/registry.npmjs.org/@a/b/1.2.3
case "$1" in
  --version) echo "deno ${PINNED} (stable)" ;;
  eval) echo "an adapter" ;;
  install)
    [ ! -f "$0.offline" ] || { echo "error: no route to registry" >&2; exit 1; }
    [ -d "$package" ] || { mkdir -p "$package/lib" && echo one >"$package/one.js" && echo two >"$package/lib/two.js"; } ;;
  *) echo "ran $*" ;;
esac
`;

/** Stands for npm: installs {@linkcode FAKE_DENO}, which lies in a folder, after a command. */
function fakeNpm(folder: string, before: string): string {
  return `while [ "$1" != --prefix ]; do shift; done
    place=$2/node_modules/@deno/any
    mkdir -p "$place" && printf half >"$place/deno"
    ${before}
    cp -f "${folder}/fake-deno" "$place/deno" && chmod +x "$place/deno"`;
}

/** A checkout and a PATH on which npm installs a Deno that is none. */
async function withFakes(
  body: (
    folder: string,
    checkout: string,
    pathWith: (before: string) => Promise<string>,
  ) => Promise<
    void
  >,
): Promise<void> {
  await withFolder(async (folder) => {
    const checkout = await copyWrapper(folder);
    await Deno.writeTextFile(join(folder, "fake-deno"), FAKE_DENO, { mode: 0o755 });
    await body(
      folder,
      checkout,
      (before) => makePath(folder, ["deno", "curl"], { npm: fakeNpm(folder, before) }),
    );
  });
}

/** What lies in the cache, but for the names of the checksums. */
function cached(checkout: string): string[] {
  return Array.from(
    Deno.readDirSync(join(checkout, ".cache")),
    ({ name }) => name.replace(/^packages-.*/, "packages"),
  ).sort();
}

const WHOLE = [`deno-${PINNED}`, "deno-dir", "packages"];

Deno.test("denow begins again where it was killed, beside others that install at the same time", () =>
  withFakes(async (folder, checkout, pathWith) => {
    const hangs = await pathWith(
      `: >"${folder}/begun.$$"; sleep 60 & echo $! >"${folder}/sleep.$$"; wait`,
    );
    const begin = async () => {
      const { DENO_DIR: _, ...env } = Deno.env.toObject();
      const process = new Deno.Command(join(checkout, "denow"), {
        args: ["task"],
        clearEnv: true,
        env: { ...env, PATH: hangs },
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const begun = () =>
        Array.from(Deno.readDirSync(folder)).filter(({ name }) => name.startsWith("sleep."));
      const before = begun().length;
      while (begun().length === before) await new Promise((resolve) => setTimeout(resolve, 10));
      return process;
    };
    const end = async (process: Deno.ChildProcess) => {
      process.kill("SIGKILL");
      await process.status;
    };
    const dead = await begin();
    await end(dead);
    const alive = await begin();
    await Deno.mkdir(join(checkout, ".cache/install.AbCdEf")); // As an older denow left it.
    try {
      // The second has removed what was left of the first.
      assert.equal(cached(checkout).length, 2);
      const works = await pathWith("");
      const { code, stdout, stderr } = await denow(checkout, works, ["task", "x"]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^ran task --quiet --config .*deno\.json x\n$/);
      assert.match(cached(checkout).join(" "), /^deno-[\d.]+ deno-dir install\.\S+ packages$/);
      assert(
        cached(checkout)[2]!.includes(`.${alive.pid}.`),
        "the one that is alive keeps its own",
      );
      await end(alive);
      assert.equal((await denow(checkout, works, ["task", "x"])).code, 0);
      assert.deepEqual(cached(checkout), WHOLE);
    } finally {
      await end(alive).catch(() => {});
      for (const { name } of Deno.readDirSync(folder)) {
        if (!name.startsWith("sleep.")) continue;
        await run("kill", [(await Deno.readTextFile(join(folder, name))).trim()]);
      }
    }
  }));

Deno.test("denow twice at once in a fresh clone sets it up, and Ctrl-C leaves nothing behind", () =>
  withFakes(async (folder, checkout, pathWith) => {
    const path = await pathWith("sleep 0.2");
    const both = await Promise.all([1, 2].map(() => denow(checkout, path, ["task", "x"])));
    for (const { code, stderr } of both) assert.equal(code, 0, stderr);
    assert.deepEqual(cached(checkout), WHOLE);

    await Deno.remove(join(checkout, ".cache"), { recursive: true });
    // The shell waits for what it has started, as it does when Ctrl-C ends both.
    const stops = await pathWith(`kill -INT "$PPID"; exit 130`);
    const stopped = await denow(checkout, stops, ["task", "x"]);
    assert.notEqual(stopped.code, 0);
    assert.deepEqual(cached(checkout), []);
    assert.equal((await denow(checkout, path, ["task", "x"])).code, 0);
    assert((await Deno.stat(folder)).isDirectory);
  }));

Deno.test("denow installs a damaged Deno of its own anew", () =>
  withFakes(async (_, checkout, pathWith) => {
    const path = await pathWith("");
    await denow(checkout, path, ["task", "x"]);
    const deno = join(checkout, ".cache", `deno-${PINNED}`);
    for (const damage of ["", "#!/bin/sh\nexit 139\n", "\x7fELF\0\0"]) {
      await Deno.writeTextFile(deno, damage);
      const { code, stdout, stderr } = await denow(checkout, path, ["task", "x"]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^denow: installing Deno/);
      assert.match(stdout, /^ran task/);
    }
  }));

Deno.test("denow downloads a damaged package again, or names it", () =>
  withFakes(async (_, checkout, pathWith) => {
    const path = await pathWith("");
    await denow(checkout, path, ["task", "x"]);
    const npm = join(checkout, ".cache/deno-dir/npm/registry.npmjs.org");
    const [one, two] = [join(npm, "@a/b/1.2.3/one.js"), join(npm, "@a/b/1.2.3/lib/two.js")];
    const soon = () => new Promise((resolve) => setTimeout(resolve, 20));
    const damages = [
      () => Deno.truncate(one, 1),
      () => Deno.writeTextFile(two, "tow\n"),
      () => Deno.remove(two),
      () => Deno.remove(join(npm, "@a"), { recursive: true }),
    ];
    for (const damage of damages) {
      await soon();
      await damage();
      const { code, stdout, stderr } = await denow(checkout, path, ["task", "x"]);
      assert.equal(code, 0, stderr);
      assert.equal(stderr, "denow: downloading damaged npm packages again: @a/b@1.2.3 \n");
      assert.match(stdout, /^ran task/);
      assert.equal(await Deno.readTextFile(one) + await Deno.readTextFile(two), "one\ntwo\n");
    }
    // What was only copied, looked up or half unpacked is no damage.
    await soon();
    await Deno.writeTextFile(one, "one\n");
    await Deno.writeTextFile(join(npm, "registry.json"), "{}");
    await Deno.mkdir(join(npm, "other/1.0.0.tmp"), { recursive: true });
    assert.equal((await denow(checkout, path, ["task", "x"])).stderr, "");

    await soon();
    await Deno.remove(two);
    await Deno.writeTextFile(join(checkout, ".cache", `deno-${PINNED}.offline`), "");
    const { code, stdout, stderr } = await denow(checkout, path, ["task", "x"]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: no route to registry$/m);
    assert.match(stderr, /denow: could not download again .* damaged: @a\/b@1\.2\.3 \n$/);
    // It is still known to be missing, and comes back with the network.
    await Deno.remove(join(checkout, ".cache", `deno-${PINNED}.offline`));
    assert.equal((await denow(checkout, path, ["task", "x"])).code, 0);
    assert.equal(await Deno.readTextFile(two), "two\n");
  }));

Deno.test("denow is not held up by a Deno on PATH that hangs or talks nonsense", () =>
  withFakes(async (folder, checkout, pathWith) => {
    await denow(checkout, await pathWith(""), ["task", "x"]);
    const hangs = "sleep 300";
    const paths = await Promise.all([
      makePath(folder, [], { deno: hangs }),
      makePath(folder, ["timeout"], { deno: `exec ${hangs}` }),
      makePath(folder, [], { deno: "echo deno; echo 9.9.9; head -c 100000 /dev/urandom" }),
      makePath(folder, [], { deno: "exit 127" }),
    ]);
    const outcomes = await Promise.all(paths.map((path) => denow(checkout, path, ["task", "x"])));
    for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^ran task/);
      if (i < 2) assert.match(stderr, /bin.*deno was killed, or did not answer within 5 seconds/);
      else assert.equal(stderr, "");
    }
  }));

Deno.test("denow shows why a Deno cannot start, which is not for want of an adapter", () =>
  withFolder(async (folder) => {
    const checkout = await copyWrapper(folder);
    const failing = async (how: string) => {
      const path = await makePath(folder, [], {
        deno: `case "$1" in --version) echo "deno 99.0.0" ;; eval) ${how} ;; esac`,
      });
      const { code, stdout, stderr } = await denow(checkout, path, ["task", "test"]);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.doesNotMatch(stderr, /no WebGPU adapter|mesa/);
      return stderr.replace(/^denow: downloading.*\n/, "");
    };
    assert.match(
      await failing(`echo "deno: libc.so.6: version GLIBC_2.35 not found" >&2; exit 1`),
      /^deno: libc\.so\.6: version GLIBC_2\.35 not found\ndenow: \S.*deno does not run \(status 1\)/,
    );
    assert.match(await failing("kill -SEGV $$"), /deno was ended by signal 11 while it looked for/);
    assert.match(await failing("kill -KILL $$"), /deno was ended by signal 9 while it looked for/);
  }));

Deno.test("denow says in one sentence that the disk is full or read-only", () =>
  withFakes(async (folder, checkout, pathWith) => {
    const sentence = async (path: string) => {
      const { code, stdout, stderr } = await denow(checkout, path, ["task", "x"]);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      const lines = stderr.trim().split("\n").filter((line) =>
        !/installing|downloading/.test(line)
      );
      assert.equal(lines.length, 1, stderr);
      return lines[0]!;
    };
    const full = await pathWith(`echo "npm error code ENOSPC"; echo "npm error nospc"; exit 228`);
    assert.match(await sentence(full), /denow: there is no room left on the disk of .*\.cache\.$/);
    const noPackages = await makePath(folder, [], {
      deno: `[ "$1" = --version ] && echo "deno 99.0.0" && exit
        echo "error: failed caching: No space left on device (os error 28)" >&2; exit 1`,
    });
    assert.match(await sentence(noPackages), /denow: there is no room left on the disk of/);
    await Deno.remove(join(checkout, ".cache"), { recursive: true });
    await Deno.writeTextFile(join(checkout, ".cache"), "");
    assert.match(
      await sentence(full),
      /denow: cannot write to .*\.cache: File exists; make the checkout writable\.$/,
    );
  }));

Deno.test("denow's list of WebGPU tasks is that of deno.json", () => {
  const listed = /^webgpu_tasks=" (.*) "$/m.exec(WRAPPER)![1]!.split(" ");
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  const described = Object.entries<{ description: string }>(tasks)
    .filter(([, { description }]) => /WebGPU/.test(description))
    .map(([name]) => name);
  assert.deepEqual(listed.sort(), described.sort());
});
