import { htmlText } from "../../formats/html.ts";
import { type Drawing, idOf } from "./draw.ts";
import type { Figure } from "./figure.ts";
import { labelled, PAGE_STYLE } from "./page_look.ts";

/** A figure with its picture. */
export interface DrawnFigure {
  /** What it shows and measures. */
  readonly figure: Figure;
  /** Its picture. */
  readonly drawing: Drawing;
}

/**
 * One self-contained page (no script, no network) with every figure, its caption, its source and its
 * numbers: what the paper states beside what is measured here.
 */
export function renderPage(
  title: string,
  introduction: string,
  drawn: readonly DrawnFigure[],
): string {
  const links = drawn.map(({ figure }) =>
    `<a href="#${idOf(figure.id)}">${htmlText(figure.title)}</a>`
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${htmlText(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>${htmlText(title)}</h1>
<p>${htmlText(introduction)}</p>
<nav>${links.join("\n")}</nav>
${drawn.map(section).join("\n")}
</body>
</html>
`;
}

function section({ figure, drawing }: DrawnFigure): string {
  const rows = figure.measurements.map(({ quantity, paper, measured }) =>
    `<tr><th scope="row">${htmlText(quantity)}</th><td>${htmlText(paper ?? "–")}</td><td>${
      htmlText(measured)
    }</td></tr>`
  );
  const file = htmlText(encodeURIComponent(figure.id));
  return `<section id="${idOf(figure.id)}">
<h2>${htmlText(figure.title)}</h2>
<figure>
${labelled(drawing.svg, `${figure.title}. ${figure.caption}`)}
<figcaption>${htmlText(figure.caption)}</figcaption>
</figure>
<p class="source">Source: ${htmlText(figure.source)}. Files:
<a href="${file}.svg">SVG</a>, <a href="${file}.png">PNG</a>.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">Quantity</th><th scope="col">The paper states</th><th scope="col">Measured</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>
</section>`;
}
