/** `deno task figures [NAME…]`: figures and tables of the paper, and with all of them a page; `deno task fig1` is one. */
import { join } from "node:path";
import { writeFigure } from "../analysis/figures/draw.ts";
import { type DrawnFigure, renderPage } from "../analysis/figures/page.ts";
import { FIGURES } from "../experiments/figures.ts";
import { writeWhole } from "../formats/write.ts";
import { parseArguments } from "./common/arguments.ts";
import { runCommand, UsageError, withProgress } from "./common/command.ts";

/** The folder of all figures. */
const FOLDER = join(import.meta.dirname!, "../results/figures");

const NAMES = [...FIGURES.keys()].join(", ");

const HELP =
  `Draws the paper's figures and tables into results/figures from the data in results/, and prints what is measured.

  deno task figures           all of them, and results/figures/index.html, a page of them
  deno task figures NAME…     some: ${NAMES}
  deno task NAME              one`;

const INTRODUCTION =
  "Figures of “The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models” (arXiv 2505.22617), drawn again from the paper's published curves and tables and, where a figure says so, from the raw logs of our own scale model or by exact computation. Beside each stands what the paper states and what we measure on the same data.";

async function main(): Promise<boolean> {
  const { positionals } = parseArguments(HELP, {});
  const unknown = positionals.find((name) => !FIGURES.has(name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no figure ${unknown}, expected one of ${NAMES}.`);
  }
  const isAll = positionals.length === 0;
  const drawn: DrawnFigure[] = [];
  for (const [name, script] of FIGURES) {
    if (isAll || positionals.includes(name)) {
      for (const figure of await script()) drawn.push(await draw(figure));
    }
  }
  if (isAll) {
    const page = renderPage("The entropy mechanism, figure by figure", INTRODUCTION, drawn);
    await writeWhole(join(FOLDER, "index.html"), page);
    console.log("All of them on one page: results/figures/index.html");
  }
  return true;
}

/** Draws a figure into the folder and prints its numbers. */
async function draw(figure: DrawnFigure["figure"]): Promise<DrawnFigure> {
  const drawing = await withProgress(
    `drawing ${figure.title}`,
    () => writeFigure(FOLDER, figure.id, figure.spec),
  );
  console.log(`${figure.title}: results/figures/${figure.id}.svg and .png`);
  for (const { quantity, paper, measured } of figure.measurements) {
    const stated = paper === undefined ? "" : ` (the paper: ${paper})`;
    console.log(`  ${quantity}: ${measured}${stated}`);
  }
  return { figure, drawing };
}

await runCommand(main);
