/** `deno task figures`: every figure and table, and one page with all of them. */
import { join } from "node:path";
import { runCommand } from "../analysis/cli/command.ts";
import { renderPage } from "../analysis/figures/page.ts";
import { writeWhole } from "../analysis/write.ts";
import { drawFigure1 } from "./fig01_collapse.ts";
import { drawFigure7 } from "./fig07_scaling.ts";
import { drawFigure8 } from "./fig08_covariance.ts";
import { drawFigure11 } from "./fig11_interventions.ts";
import { drawAndPrint, FIGURES_FOLDER, type FigureScript, showHelp } from "./run_figures.ts";
import { drawTable1 } from "./table1_covariance.ts";
import { drawTable2 } from "./table2_benchmarks.ts";

/** All figure scripts in the order of the paper. */
export const SCRIPTS: readonly FigureScript[] = [
  drawFigure1,
  drawFigure7,
  drawFigure8,
  drawTable1,
  drawFigure11,
  drawTable2,
];

const INTRODUCTION =
  "Figures of “The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models” (arXiv 2505.22617), drawn again from the paper's published curves and tables and, where a figure says so, from the raw logs of our own scale model. Beside each stands what the paper states and what we measure on the same data.";

if (import.meta.main) {
  await runCommand(async () => {
    if (showHelp()) return true;
    const drawn = await drawAndPrint(SCRIPTS);
    const page = renderPage("The entropy mechanism, figure by figure", INTRODUCTION, drawn);
    await writeWhole(join(FIGURES_FOLDER, "index.html"), page);
    console.log("All of them on one page: results/figures/index.html");
    return true;
  });
}
