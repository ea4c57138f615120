/** `deno task conformance [DIR]`: whether the kernels can be trusted on this adapter. */
import { fileURLToPath } from "node:url";
import { browserConformance } from "../checks/browser/browser_conformance.ts";
import {
  conformanceHead,
  conformanceJson,
  conformanceRow,
  conformanceVerdict,
} from "../checks/conformance_text.ts";
import { readGolden } from "../checks/read_golden.ts";
import { type CheckResult, runConformance } from "../kernels/conformance/mod.ts";
import { requestGpu } from "../kernels/mod.ts";
import { parseArguments } from "./common/arguments.ts";
import { printError, runCommand, UsageError } from "./common/command.ts";

const HELP = `Runs every kernel against its float64 reference, on this machine's WebGPU adapter.

  deno task conformance [DIR] [options]

DIR holds golden cases in the format of tests/golden, which is the default.

  --adapter NAME   use the adapter whose name contains NAME
  --browser        run in a Chromium of this machine instead (software adapter, another WGSL compiler);
                   without one, print the address of a page to open by hand
  --json           print the numbers as one JSON object, and nothing else, on stdout

The exit code is 1 if a kernel fails. Errors are absolute, and relative to the largest expected number
of a case.
`;

const OPTIONS = {
  adapter: { type: "string" },
  browser: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

/** The folder of golden cases that comes with the project. */
const GOLDEN = fileURLToPath(new URL("../tests/golden", import.meta.url));

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  const { adapter: adapterName, browser, json } = values;
  if (positionals.length > 1) {
    throw new UsageError(`${positionals.length} folders were named, expected one (see --help).`);
  }
  if (browser && adapterName !== undefined) {
    throw new UsageError("--adapter cannot be chosen in a browser (see --help).");
  }
  const golden = await readGolden(positionals[0] ?? GOLDEN);
  const print = (text: string) => {
    if (!json) console.log(text);
  };
  const onResult = (result: CheckResult) => {
    print(conformanceRow(result));
    for (const failure of result.failures) printError(`${result.name}: ${failure}`);
  };
  const inBrowser = () =>
    browserConformance({
      golden,
      onOpen(address, chromium) {
        if (chromium === undefined) {
          console.error(`no Chromium was found; open ${address} in a browser with WebGPU.`);
        }
        print(conformanceHead(chromium ?? address));
      },
      onResult,
    });
  const onThisMachine = async () => {
    using gpu = await requestGpu(adapterName === undefined ? {} : { adapterName });
    print(conformanceHead(gpu.adapter.name));
    return await runConformance(gpu, golden, onResult);
  };
  const report = browser ? await inBrowser() : await onThisMachine();
  console.log(json ? conformanceJson(report) : conformanceVerdict(report));
  return report.kernels.every(({ failed }) => failed === 0);
}

await runCommand(main);
