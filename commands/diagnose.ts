/** `deno task diagnose FILE…`: plain findings for someone whose run is in trouble. */
import { join } from "node:path";
import { diagnoseWithFit, type Diagnosis, type FittedDiagnosis } from "../analysis/diagnosis.ts";
import { effortFor } from "../analysis/effort.ts";
import { withMark } from "../analysis/figures/mark.ts";
import type { Severity } from "../analysis/finding.ts";
import type { Run } from "../analysis/readers/run.ts";
import {
  diagnosisHtml,
  diagnosisMarkdown,
  type ReportedRun,
} from "../analysis/reports/diagnosis_report.ts";
import { diagnosisText } from "../analysis/reports/diagnosis_text.ts";
import { shortened } from "../analysis/shortened.ts";
import { counted } from "../formats/counted.ts";
import { ReadError } from "../formats/errors.ts";
import { printable, printableJson } from "../formats/printable.ts";
import { writeWhole } from "../formats/write.ts";
import { parseArguments } from "./common/arguments.ts";
import { OUT_HELP, printError, runCommand, UsageError, withProgress } from "./common/command.ts";
import { checkOutFolder } from "./common/out_folder.ts";
import { checkReplaceable } from "./common/output_names.ts";
import { logComment, ownName } from "./common/own_name.ts";
import { logNames, readLogs } from "./common/read_logs.ts";

const HELP = `Says what training logs tell about their policy entropy: findings with their evidence.

  deno task diagnose FILE… [options]

FILE is a log, a folder or a glob, as deno task fit reads them, or - for standard input.

  --entropy-key KEY   read the policy entropy from KEY
  --score-key KEY     read the performance from KEY
  --fail-on SEVERITY  exit with 1 if there is a problem (problem), or a problem or a note (notice)
  --out DIR           ${OUT_HELP}:
                      a report, NAME.diagnosis.md and .html, and a picture of each run, .svg and .png,
                      where NAME is that of FILE, or runs for the report of several runs, with a number
                      behind it where files of that name are of other logs
  --json              print the findings as one JSON object, and nothing else, on stdout
`;

const OPTIONS = {
  "entropy-key": { type: "string" },
  "score-key": { type: "string" },
  "fail-on": { type: "string" },
  out: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

/** Which severities a build fails on. */
const FAILING: Readonly<Record<string, readonly Severity[]>> = {
  problem: ["problem"],
  notice: ["problem", "notice"],
};

/** A run with what was found of it. */
interface Diagnosed extends FittedDiagnosis {
  readonly run: Run;
}

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  const failOn = values["fail-on"];
  const failing = failOn === undefined ? [] : FAILING[failOn];
  if (failing === undefined) {
    throw new UsageError(`--fail-on is ${failOn}, expected problem or notice.`);
  }
  if (values.out !== undefined) await checkOutFolder(values.out);
  const { runs, printSkipped, ...logs } = await readLogs(positionals, values, shortened);
  const failed = [...logs.failed];
  const effort = effortFor(runs.map(({ score }) => score?.values.length ?? 0));
  const diagnosed: Diagnosed[] = [];
  for (const run of runs) {
    try {
      diagnosed.push({ run, ...diagnoseWithFit(run, effort) });
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      printError(error.message);
      failed.push(error.message);
    }
  }
  printSkipped();
  if (diagnosed.length === 0) {
    if (failed.length === 0) printError(`no training log in ${positionals.join(", ")}.`);
    return false;
  }
  const diagnoses = diagnosed.map(({ diagnosis }) => diagnosis);
  const place = values.out === undefined ? undefined : await placeOf(diagnosed, values.out);
  if (values.json) console.log(printableJson({ runs: diagnoses, failed }));
  else console.log(diagnoses.map(diagnosisText).join("\n\n"));
  if (place !== undefined) await report(diagnosed, failed, place);
  if (!values.json) {
    console.log(
      place === undefined
        ? "\na report and a picture: --out DIR"
        : `\nwrote ${printable(reportsOf(place).join(", "))}`,
    );
  }
  return !fails(diagnoses, failing) && failed.length === 0;
}

/** Whether a finding has a severity to fail on, which is said on stderr. */
function fails(diagnoses: readonly Diagnosis[], failing: readonly Severity[]): boolean {
  const found = diagnoses.flatMap(({ name, findings }) =>
    findings.filter(({ severity }) => failing.includes(severity)).map(({ topic, severity }) =>
      `${severity} ${topic} of ${name}`
    )
  );
  if (found.length === 0) return false;
  const shown = found.slice(0, 3).join(", ");
  const more = found.length > 3 ? ` and ${found.length - 3} more` : "";
  printError(`${counted(found.length, "finding")} to fail on: ${shown}${more}.`);
  return true;
}

/** Where a report and the pictures of its runs are written: names without endings in a folder. */
interface Place {
  readonly folder: string;
  readonly report: string;
  readonly pictures: readonly string[];
}

function reportsOf({ folder, report }: Place): string[] {
  return [`${report}.md`, `${report}.html`].map((name) => join(folder, name));
}

/**
 * Where a report is to be written, so that it replaces that of no other log.
 *
 * @throws {UserError} if something is there that no command wrote.
 */
async function placeOf(diagnosed: readonly Diagnosed[], folder: string): Promise<Place> {
  const runs = diagnosed.map(({ run }) => run);
  const taken = new Set<string>();
  const pictures: string[] = [];
  for (const [i, name] of logNames(runs).entries()) {
    const comment = logComment([runs[i]!]);
    pictures.push(await ownName(folder, { name, kind: "diagnosis", taken }, comment));
  }
  const report = pictures.length === 1
    ? pictures[0]!
    : await ownName(folder, { name: "runs", kind: "diagnosis", taken }, logComment(runs));
  const place = { folder, report, pictures };
  const drawn = pictures.flatMap((name) => [`${name}.svg`, `${name}.png`]);
  for (const path of [...reportsOf(place), ...drawn.map((name) => join(folder, name))]) {
    await checkReplaceable(path);
  }
  return place;
}

async function report(
  diagnosed: readonly Diagnosed[],
  failed: readonly string[],
  { folder, report, pictures }: Place,
): Promise<void> {
  await withProgress("drawing", async () => {
    // Vega and its renderer are loaded only now: a large log wants the memory first.
    const { writeMarkedFigure } = await import("../analysis/figures/draw.ts");
    const { diagnosisPicture } = await import("../analysis/reports/diagnosis_picture.ts");
    const shown: ReportedRun[] = [];
    for (const [i, { run, ...found }] of diagnosed.entries()) {
      const spec = diagnosisPicture(run, found);
      const name = pictures[i]!;
      const svg = spec === undefined
        ? undefined
        : (await writeMarkedFigure(folder, name, spec, logComment([run]))).svg;
      shown.push({
        diagnosis: found.diagnosis,
        picture: svg === undefined ? undefined : { svg, png: `${name}.png` },
      });
    }
    const encoder = new TextEncoder();
    const comment = logComment(diagnosed.map(({ run }) => run));
    const texts = { md: diagnosisMarkdown(shown, failed), html: diagnosisHtml(shown, failed) };
    for (const format of ["md", "html"] as const) {
      const marked = withMark(format, encoder.encode(texts[format] + comment));
      await writeWhole(join(folder, `${report}.${format}`), marked);
    }
  });
}

await runCommand(main);
