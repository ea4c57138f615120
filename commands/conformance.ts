/** `deno task conformance [DIR]`: whether the kernels can be trusted on this adapter. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { printError, runCommand, UsageError } from "./common/command.ts";
import type { CheckResult } from "../kernels/conformance/check.ts";
import { runConformance } from "../kernels/conformance/suite.ts";
import { requestGpu } from "../kernels/runtime/gpu.ts";
import { browserConformance } from "../checks/browser/browser_conformance.ts";
import { readGolden } from "../checks/read_golden.ts";

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

/** The folder of golden cases that comes with the project. */
const GOLDEN = fileURLToPath(new URL("../tests/golden", import.meta.url));

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      adapter: { type: "string" },
      browser: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  if (positionals.length > 1) {
    throw new UsageError(`${positionals.length} folders were named, expected one (see --help).`);
  }
  if (values.browser && values.adapter !== undefined) {
    throw new UsageError("--adapter cannot be chosen in a browser (see --help).");
  }
  const golden = await readGolden(positionals[0] ?? GOLDEN);
  const print = (text: string) => {
    if (!values.json) console.log(text);
  };
  const onResult = (result: CheckResult) => {
    print(row(result));
    for (const failure of result.failures) printError(`${result.name}: ${failure}`);
  };
  const onStart = (adapter: string) => {
    print(`${adapter}\n`);
    print(
      `${"kernel".padEnd(26)}${"cases".padStart(6)}${"failed".padStart(8)}   ${
        "absolute".padStart(8)
      }  ${"relative".padStart(8)}`,
    );
  };
  const report = values.browser
    ? await browserConformance({
      golden,
      onOpen(address, chromium) {
        if (chromium === undefined) {
          console.error(`no Chromium was found; open ${address} in a browser with WebGPU.`);
        }
        onStart(chromium ?? address);
      },
      onResult,
    })
    : await onThisMachine();
  const failed = report.kernels.filter((kernel) => kernel.failed > 0);
  if (values.json) {
    const kernels = report.kernels.map(({ failures: _, ...numbers }) => numbers);
    console.log(JSON.stringify({ adapter: report.adapter, kernels }));
  } else {
    print(
      `\n${report.adapter}: ${
        failed.length === 0
          ? "all kernels pass."
          : `${failed.map(({ name }) => name).join(", ")} failed.`
      }`,
    );
  }
  return failed.length === 0;

  async function onThisMachine() {
    using gpu = await requestGpu(
      values.adapter === undefined ? {} : { adapterName: values.adapter },
    );
    onStart(gpu.adapter.name);
    return await runConformance(gpu, golden, onResult);
  }
}

function row({ name, cases, failed, maxAbsoluteError, maxRelativeError }: CheckResult): string {
  const error = (value: number) => value.toExponential(1).padStart(8);
  return `${name.padEnd(26)}${String(cases).padStart(6)}${String(failed).padStart(8)}   ${
    error(maxAbsoluteError)
  }  ${error(maxRelativeError)}`;
}

await runCommand(main);
