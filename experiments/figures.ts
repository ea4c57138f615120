import type { Figure } from "../analysis/figures/figure.ts";
import { drawFigure1 } from "./fig01_collapse.ts";
import { drawFigure2 } from "./fig02_shares.ts";
import { drawFigure3 } from "./fig03_math_law.ts";
import { drawFigure4 } from "./fig04_code_law.ts";
import { drawFigure5 } from "./fig05_prediction.ts";
import { drawFigure6 } from "./fig06_algorithms.ts";
import { drawFigure7 } from "./fig07_scaling.ts";
import { drawFigure8 } from "./fig08_covariance.ts";
import { drawFigure9 } from "./fig09_entropy_bonus.ts";
import { drawFigure10 } from "./fig10_reference_kl.ts";
import { drawFigure11 } from "./fig11_interventions.ts";
import { drawFigure12 } from "./fig12_strength.ts";
import { drawFigure13 } from "./fig13_data.ts";
import { drawFigure14 } from "./fig14_instruct.ts";
import { drawTable1 } from "./table1_covariance.ts";
import { drawTable2 } from "./table2_benchmarks.ts";
import { drawTheory } from "./theory.ts";
import { drawTuning } from "./tuning.ts";

/** What a script of a figure or table exports: its figures, from the data in results/ or by computation alone. */
export type FigureScript = () => Promise<Figure[]>;

/** The script of each figure and table by the name of its task, in the order of the paper. */
export const FIGURES: ReadonlyMap<string, FigureScript> = new Map([
  ["fig1", drawFigure1],
  ["fig2", drawFigure2],
  ["fig3", drawFigure3],
  ["fig4", drawFigure4],
  ["fig5", drawFigure5],
  ["fig6", drawFigure6],
  ["fig7", drawFigure7],
  ["theory", drawTheory],
  ["fig8", drawFigure8],
  ["table1", drawTable1],
  ["tuning", drawTuning],
  ["fig9", drawFigure9],
  ["fig10", drawFigure10],
  ["fig11", drawFigure11],
  ["table2", drawTable2],
  ["fig12", drawFigure12],
  ["fig13", drawFigure13],
  ["fig14", drawFigure14],
]);
