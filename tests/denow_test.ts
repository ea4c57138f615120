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

/** A folder of links to all commands of PATH but the named ones, and of made ones instead. */
async function makePath(
  folder: string,
  leaveOut: string[],
  made: Record<string, string> = {},
): Promise<string> {
  const path = await Deno.makeTempDir({ dir: folder, prefix: "bin" });
  const taken = new Set([...leaveOut, ...Object.keys(made)]);
  for (const directory of Deno.env.get("PATH")!.split(":")) {
    let entries: Deno.DirEntry[] = [];
    try {
      entries = Array.from(Deno.readDirSync(directory));
    } catch {
      continue; // PATH may name folders that are not there.
    }
    for (const { name } of entries) {
      if (taken.has(name)) continue;
      taken.add(name);
      await Deno.symlink(join(directory, name), join(path, name));
    }
  }
  for (const [name, script] of Object.entries(made)) {
    await Deno.writeTextFile(join(path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return path;
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
    assert.doesNotMatch(second.stderr, /denow:/);

    const link = join(folder, "link");
    await Deno.symlink(join(checkout, "denow"), link);
    const linked = await denow(checkout, bare, ["--version"], { wrapper: link });
    assert.match(linked.stdout, new RegExp(`^deno ${PINNED}`));

    const old = await makePath(folder, [], { deno: 'echo "deno 2.1.0 (stable)"' });
    assert.match((await denow(checkout, old, ["--version"])).stdout, new RegExp(`^deno ${PINNED}`));

    if ((await run("unshare", ["--net", "true"]).catch(() => ({ code: 1 }))).code !== 0) return;
    const offline = await denow(checkout, bare, ["task", "table1"], {
      through: ["unshare", "--net"],
    });
    assert.equal(offline.code, 0, offline.stderr);
  }));

Deno.test("denow uses a Deno on PATH that is new enough", () =>
  withFolder(async (folder) => {
    const checkout = await copyCheckout(folder);
    const path = await makePath(folder, [], {
      deno: `[ "$1" = --version ] && echo "deno 99.0.0 (stable)" || echo "called with $*"`,
    });
    const { code, stdout } = await denow(checkout, path, ["task", "fit", "my file.log"]);
    assert.equal(code, 0);
    assert.equal(
      stdout.trim().split("\n").at(-1),
      `called with task --config ${checkout}/deno.json fit my file.log`,
    );
  }));

Deno.test("denow names what it could not do", () =>
  withFolder(async (folder) => {
    const checkout = await copyCheckout(folder);
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
    const checkout = await copyCheckout(folder);
    const without = `case "$1" in --version) echo "deno 99.0.0" ;; eval) exit 1 ;; esac`;
    const installs = await makePath(folder, [], {
      deno:
        `case "$1" in --version) echo "deno 99.0.0" ;; eval) [ -f "${folder}/installed" ] ;; *) echo ran ;; esac`,
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

Deno.test("denow's list of WebGPU tasks is that of deno.json", () => {
  const listed = /^webgpu_tasks=" (.*) "$/m.exec(WRAPPER)![1]!.split(" ");
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  const described = Object.entries<{ description: string }>(tasks)
    .filter(([, { description }]) => /WebGPU/.test(description))
    .map(([name]) => name);
  assert.deepEqual(listed.sort(), described.sort());
});
