import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCommand, withProgress } from "../analysis/cli/command.ts";
import { writeFigure } from "../analysis/figures/draw.ts";
import type { Figure } from "../analysis/figures/figure.ts";
import type { DrawnFigure } from "../analysis/figures/page.ts";

/** The folder of all figures. */
export const FIGURES_FOLDER: string = join(import.meta.dirname!, "../results/figures");

/** What a figure script exports: its figures, from the data in results/. */
export type FigureScript = () => Promise<Figure[]>;

/** Draws the figures of one script: what `deno task fig1` does. */
export async function runFigures(script: FigureScript): Promise<never> {
  return await runCommand(async () => {
    if (!showHelp()) await drawAndPrint([script]);
    return true;
  });
}

/** Shows what the tasks that draw do, if that was asked. */
export function showHelp(): boolean {
  const options = { help: { type: "boolean", short: "h", default: false } } as const;
  const { help } = parseArgs({ args: Deno.args, options }).values;
  if (help) {
    console.log(
      "deno task figures, like the task of each figure, draws into results/figures from the data in results/ and prints what is measured.",
    );
  }
  return help;
}

/** Draws the figures of scripts into results/figures and prints their numbers. */
export async function drawAndPrint(scripts: readonly FigureScript[]): Promise<DrawnFigure[]> {
  const drawn: DrawnFigure[] = [];
  for (const script of scripts) {
    for (const figure of await script()) {
      const drawing = await withProgress(
        `drawing ${figure.title}`,
        () => writeFigure(FIGURES_FOLDER, figure.id, figure.spec),
      );
      console.log(`${figure.title}: results/figures/${figure.id}.svg and .png`);
      for (const { quantity, paper, measured } of figure.measurements) {
        const stated = paper === undefined ? "" : ` (the paper: ${paper})`;
        console.log(`  ${quantity}: ${measured}${stated}`);
      }
      drawn.push({ figure, drawing });
    }
  }
  return drawn;
}
