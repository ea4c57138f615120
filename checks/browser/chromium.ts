/** Where a Chromium may be, by its name on PATH or its place; the task may run nothing else (deno.json). */
export const CANDIDATES: readonly string[] = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "microsoft-edge",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

/** Without a window, without the network, with a software adapter for WebGPU. */
const FLAGS: readonly string[] = [
  "--headless",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
];

/** The Chromium of this machine, or undefined. */
export async function findChromium(): Promise<string | undefined> {
  const separator = Deno.build.os === "windows" ? ";" : ":";
  const folders = (Deno.env.get("PATH") ?? "").split(separator);
  for (const candidate of CANDIDATES) {
    const paths = /[/\\]/.test(candidate)
      ? [candidate]
      : folders.map((folder) => `${folder}/${candidate}`);
    for (const path of paths) {
      if ((await Deno.stat(path).catch(() => undefined))?.isFile) return path;
    }
  }
  return undefined;
}

/** What became of a page. */
export interface VisitedPage {
  /** Its document, when all that it does by itself is done. */
  readonly html: string;
  /** What it wrote to the console, errors of loading among it. */
  readonly console: readonly string[];
}

/** Milliseconds of the page's own time, which passes as fast as the page works. */
const TIME_BUDGET = 20_000;

/** Opens a page in a Chromium of its own, which ends when the page has nothing left to do. */
export async function visitPage(path: string, url: string): Promise<VisitedPage> {
  const profile = await Deno.makeTempDir({ prefix: "chromium-" });
  try {
    const { stdout, stderr } = await command(path, profile, [
      "--enable-logging=stderr",
      "--hide-scrollbars",
      // A page may look into the pages in its frames though all are files.
      "--allow-file-access-from-files",
      `--virtual-time-budget=${TIME_BUDGET}`,
      "--dump-dom",
      url,
    ], "piped").output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const console = text(stderr).split("\n").filter((line) => /:CONSOLE[:(]/.test(line));
    return { html: text(stdout), console };
  } finally {
    await removeProfile(profile);
  }
}

/** A running Chromium that shows a page. */
export interface Browser extends AsyncDisposable {
  /** Resolves to what it printed, should it end by itself. */
  readonly ended: Promise<string>;
}

/** Opens a page in a Chromium of its own, with a profile that is thrown away. */
export async function openChromium(path: string, url: string): Promise<Browser> {
  const profile = await Deno.makeTempDir({ prefix: "chromium-" });
  const process = command(path, profile, [url], "null").spawn();
  const ended = new Response(process.stderr).text();
  return {
    ended,
    async [Symbol.asyncDispose]() {
      try {
        process.kill();
      } catch {
        // It has ended.
      }
      await process.status;
      await ended;
      await removeProfile(profile);
    },
  };
}

function command(
  path: string,
  profile: string,
  args: readonly string[],
  stdout: "piped" | "null",
): Deno.Command {
  // Chromium's sandbox does not run as root, as in containers.
  const sandbox = Deno.build.os === "linux" && Deno.uid() === 0 ? ["--no-sandbox"] : [];
  return new Deno.Command(path, {
    args: [...FLAGS, ...sandbox, `--user-data-dir=${profile}`, ...args],
    // With these set Deno starts nothing under a list of allowed names.
    env: { LD_LIBRARY_PATH: "", LD_PRELOAD: "" },
    stdin: "null",
    stdout,
    stderr: "piped",
  });
}

async function removeProfile(profile: string): Promise<void> {
  // Its helpers may write for a moment longer.
  for (let attempt = 0; attempt < 20; attempt++) {
    const removed = await Deno.remove(profile, { recursive: true }).then(
      () => true,
      () => false,
    );
    if (removed) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
