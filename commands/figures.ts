/** `deno task figures [NAME…]`: figures and tables of the paper, and with all of them a page; `deno task fig1` is one. */
import { join, relative } from "node:path";
import { writeFigure } from "../analysis/figures/draw.ts";
import type { Figure } from "../analysis/figures/figure.ts";
import { type DrawnFigure, renderPage, VEGA_FILE } from "../analysis/figures/page.ts";
import { countVerdicts } from "../analysis/reports/claims_text.ts";
import { judgeClaims } from "../experiments/claims/verdicts.ts";
import { FIGURES } from "../experiments/figures.ts";
import { missingRuns } from "../experiments/lab/study/missing_runs.ts";
import { UNFINISHED } from "../experiments/models.ts";
import { studyRuns } from "../experiments/study.ts";
import { logPath, replaceLog } from "../experiments/study_log.ts";
import { counted } from "../formats/counted.ts";
import { writeWhole } from "../formats/write.ts";
import { parseArguments } from "./common/arguments.ts";
import { runCommand, UsageError, withProgress } from "./common/command.ts";
import { makeRuns } from "./common/make_runs.ts";

/** The folder of all figures. */
const FOLDER = join(import.meta.dirname!, "../results/figures");

const NAMES = [...FIGURES.keys()].join(", ");

const HELP =
  `Draws the paper's figures and tables into results/figures from the data in results/, and prints what is measured.

  deno task figures           all of them, and results/figures/index.html, a page of them
  deno task figures NAME…     some: ${NAMES}
  deno task NAME              one

Options:

  --rerun  first makes the logs of their runs again (WebGPU; hours), which then replace those in results/logs; what was
           stopped is gone on with`;

const INTRODUCTION =
  "“The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models” (arXiv 2505.22617), made again: figures drawn from the paper's published curves and tables, and beside them from the raw logs of our own scale model at 1 : 100,000 or by exact computation. Beside each stands what the paper states and what we measure. Points show their run, step, H and R where a figure has them.";

const OPTIONS = { rerun: { type: "boolean", default: false } } as const;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArguments(HELP, OPTIONS);
  const unknown = positionals.find((name) => !FIGURES.has(name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no figure ${unknown}, expected one of ${NAMES}.`);
  }
  const isAll = positionals.length === 0;
  if (values.rerun && !await rerun(isAll ? [...FIGURES.keys()] : positionals)) return false;
  const drawn: DrawnFigure[] = [];
  for (const [name, script] of FIGURES) {
    if (isAll || positionals.includes(name)) {
      for (const figure of await script()) drawn.push(await draw(figure, name));
    }
  }
  if (isAll) await writePage(drawn);
  return true;
}

/** Makes the logs of some figures' runs again, and puts them where the others were once all are whole. */
async function rerun(figures: readonly string[]): Promise<boolean> {
  const runs = studyRuns().filter((run) => run.figures.some((name) => figures.includes(name)));
  if (runs.length === 0) {
    throw new UsageError(`--rerun: ${figures.join(", ")} is drawn from no runs of ours.`);
  }
  const again = join(UNFINISHED, "again");
  console.log(`making ${counted(runs.length, "run")}`);
  if (!await makeRuns(await missingRuns(runs, again), again)) return false;
  if ((await missingRuns(runs, again)).length > 0) return false;
  for (const { name } of runs) await replaceLog(name, again);
  return true;
}

/** Draws a figure into the folder and prints its numbers. */
async function draw(figure: Figure, name: string): Promise<DrawnFigure> {
  const drawing = await withProgress(
    `drawing ${figure.title}`,
    () => writeFigure(FOLDER, figure.id, figure.spec),
  );
  console.log(`${figure.title}: results/figures/${figure.id}.svg and .png`);
  for (const { quantity, paper, measured } of figure.measurements) {
    const stated = paper === undefined ? "" : ` (the paper: ${paper})`;
    console.log(`  ${quantity}: ${measured}${stated}`);
  }
  const logs = await Promise.all((figure.runs ?? []).map(async (run) => ({
    run,
    address: relative(FOLDER, await logPath(run)).replaceAll("\\", "/"),
  })));
  return { figure, drawing, logs, command: `deno task ${name}` };
}

/** The page of all figures, and Vega beside it. */
async function writePage(drawn: readonly DrawnFigure[]): Promise<void> {
  const claims = await withProgress("judging the claims", () => judgeClaims());
  const title = "The entropy mechanism: claims and figures";
  const page = renderPage({ title, introduction: INTRODUCTION, claims, drawn });
  await writeWhole(join(FOLDER, "index.html"), page);
  await writeWhole(join(FOLDER, VEGA_FILE), await vegaScript());
  console.log(countVerdicts(claims));
  console.log("All of them on one page: results/figures/index.html");
}

/** Vega as one classic script, which a page that is opened as a file can load, below its licence. */
async function vegaScript(): Promise<string> {
  const module = import.meta.resolve("vega");
  const [licence, script] = await Promise.all(
    ["../LICENSE", "vega.min.js"].map((name) => Deno.readTextFile(new URL(name, module))),
  );
  return `/*! Vega (https://github.com/vega/vega)\n\n${licence}*/\n${script}`;
}

await runCommand(main);
