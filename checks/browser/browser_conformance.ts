import { fileURLToPath } from "node:url";
import { UserError } from "../../formats/errors.ts";
import type { CheckResult, ConformanceReport, GoldenFiles } from "../../kernels/conformance/mod.ts";
import { findChromium, openChromium } from "./chromium.ts";
import page from "./conformance.html" with { type: "text" };

/** How the conformance in a browser is reported. */
export interface BrowserOptions {
  /** The golden cases. */
  readonly golden: GoldenFiles;
  /** Called with the address of the page. */
  readonly onOpen: (address: string, chromium: string | undefined) => void;
  /** Called after each kernel. */
  readonly onResult: (result: CheckResult) => void;
}

/**
 * Serves one page on loopback that runs the conformance in a browser, opens it in a Chromium of this
 * machine, and waits for its report. Without a Chromium it waits until somebody opens the page.
 *
 * @throws {UserError} if the browser has no adapter, ends before it reports, or the bundle fails.
 */
export async function browserConformance(
  { golden, onOpen, onResult }: BrowserOptions,
): Promise<ConformanceReport> {
  const library = await bundleKernels();
  const { promise, resolve, reject } = Promise.withResolvers<ConformanceReport>();
  const answer = (body: string, type: string) =>
    new Response(body, { headers: { "content-type": `${type}; charset=utf-8` } });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      switch (`${request.method} ${new URL(request.url).pathname}`) {
        case "GET /":
          return answer(page, "text/html");
        case "GET /kernels.js":
          return answer(library, "text/javascript");
        case "GET /golden.json":
          return answer(JSON.stringify(golden), "application/json");
        case "POST /progress":
          onResult(await request.json());
          return answer("", "text/plain");
        case "POST /report": {
          const report: ConformanceReport | { error: string } = await request.json();
          if ("error" in report) reject(new UserError(`in the browser: ${report.error}`));
          else resolve(report);
          return answer("", "text/plain");
        }
        default:
          return new Response("not found", { status: 404 });
      }
    },
  );
  const address = `http://127.0.0.1:${server.addr.port}/`;
  const chromium = await findChromium();
  onOpen(address, chromium);
  if (chromium === undefined) return await promise;
  await using browser = await openChromium(chromium, address);
  const ended = browser.ended.then((output) => {
    const last = output.trim().split("\n").at(-1);
    throw new UserError(`${chromium} ended before it reported: ${last || "it printed nothing"}.`);
  });
  return await Promise.race([promise, ended]);
}

async function bundleKernels(): Promise<string> {
  const { success, errors, outputFiles } = await Deno.bundle({
    entrypoints: [fileURLToPath(new URL("./browser_library.ts", import.meta.url))],
    platform: "browser",
    write: false,
  });
  const library = outputFiles?.[0]?.text();
  if (success && library !== undefined) return library;
  throw new UserError(
    `the kernels cannot be bundled: ${errors.map(({ text }) => text).join("; ")}.`,
  );
}
