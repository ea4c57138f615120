/** `deno task fuzz`: damaged logs, token dumps and checkpoints, and what breaks on them. */
import { runCampaign } from "../checks/fuzz/campaign.ts";
import { type TargetName, TARGETS } from "../checks/fuzz/corpus.ts";
import { campaignText, findingText } from "../checks/fuzz/finding_text.ts";
import { writeFinding } from "../checks/fuzz/write_finding.ts";
import { counted } from "../formats/counted.ts";
import { expectNoOthers, parseArguments, wholeNumberOf } from "./common/arguments.ts";
import { runCommand, UsageError } from "./common/command.ts";
import { checkOutFolder } from "./common/out_folder.ts";

const HELP = `Reads damaged logs, token dumps and checkpoints, and reports what breaks on them.

  deno task fuzz [options]

  --minutes N     how long (default 1, or as long as --inputs takes)
  --inputs N      how many inputs (default as many as there is time for)
  --seed N        another number gives other inputs (default 1)
  --only TARGET   one of ${TARGETS.join(", ")}
  --processes N   how many at once (default one for each processor)
  --out DIR       where findings go (default runs/fuzz)

Inputs are files of tests/fuzz_corpus with bytes, numbers, words, lines or lengths changed, the same for the
same seed. Only an error that is a sentence for the user is an answer to them: any other error, NaN
among results, 2 s of CPU time, 300 MiB, a crash, a file left open or left behind is a finding. Of each, the
smallest input that shows it is written as DIR/finding-….bin, and what it is as DIR/finding-….txt. The exit
code is 1 if there are any.
`;

const OPTIONS = {
  minutes: { type: "string" },
  inputs: { type: "string" },
  seed: { type: "string", default: "1" },
  only: { type: "string" },
  processes: { type: "string", default: String(navigator.hardwareConcurrency) },
  out: { type: "string", default: "runs/fuzz" },
} as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  expectNoOthers(positionals);
  const minutes = values.minutes ?? (values.inputs === undefined ? "1" : undefined);
  const seed = wholeNumberOf("--seed", values.seed, 0);
  await checkOutFolder(values.out);
  const start = performance.now();
  const campaign = await runCampaign({
    seed,
    targets: values.only === undefined ? TARGETS : [targetName(values.only)],
    inputs: values.inputs === undefined
      ? Number.MAX_SAFE_INTEGER
      : wholeNumberOf("--inputs", values.inputs, 1),
    milliseconds: minutes === undefined ? Infinity : 60_000 * positive("--minutes", minutes),
    processes: wholeNumberOf("--processes", values.processes, 1),
    onProgress: showProgress,
  });
  showProgress();
  const seconds = (performance.now() - start) / 1000;
  for (const finding of campaign.findings) {
    console.log(findingText(finding, await writeFinding(values.out, seed, finding)));
  }
  console.log(campaignText(campaign, { seed, seconds }));
  return campaign.findings.length === 0;
}

/** A line on a terminal that is written over; without numbers it is taken away. */
function showProgress(inputs?: number, findings = 0): void {
  if (!Deno.stderr.isTerminal()) return;
  const text = inputs === undefined
    ? ""
    : `${counted(inputs, "input")}, ${counted(findings, "finding")}`;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

function targetName(text: string): TargetName {
  const target = TARGETS.find((name) => name === text);
  if (target !== undefined) return target;
  throw new UsageError(`--only is ${text}, expected one of ${TARGETS.join(", ")}.`);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`${option} is ${text}, expected a positive number.`);
}

await runCommand(main);
