import { printable } from "../../formats/printable.ts";
import { type Drawing, idOf } from "./draw.ts";
import type { Figure } from "./figure.ts";

/** A figure with its picture. */
export interface DrawnFigure {
  /** What it shows and measures. */
  readonly figure: Figure;
  /** Its picture. */
  readonly drawing: Drawing;
}

const STYLE = `
  :root { color-scheme: light; }
  body { font: 16px/1.5 Arimo, Arial, "Liberation Sans", Helvetica, sans-serif; color: #222;
    max-width: 60rem; margin: 2rem auto; padding: 0 1rem; background: white; }
  h1 { font-size: 1.6rem; line-height: 1.25; }
  h2 { font-size: 1.15rem; margin: 3rem 0 .5rem; }
  nav a { margin-right: 1em; white-space: nowrap; }
  a { color: #0072B2; }
  figure { margin: 0; }
  figure > svg { max-width: 100%; height: auto; display: block; margin-left: -12px; }
  figcaption { max-width: 46rem; }
  .source { color: #555; font-size: .85rem; margin: .4rem 0 .8rem; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; font-size: .88rem; }
  th, td { text-align: left; vertical-align: top; padding: .3rem 1rem .3rem 0; border-top: 1px solid #ddd; }
  thead th { border-top: 0; border-bottom: 1px solid #444; }
  td { font-variant-numeric: tabular-nums; }
`;

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
    `<a href="#${idOf(figure.id)}">${escape(figure.title)}</a>`
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p>${escape(introduction)}</p>
<nav>${links.join("\n")}</nav>
${drawn.map(section).join("\n")}
</body>
</html>
`;
}

function section({ figure, drawing }: DrawnFigure): string {
  const rows = figure.measurements.map(({ quantity, paper, measured }) =>
    `<tr><th scope="row">${escape(quantity)}</th><td>${escape(paper ?? "–")}</td><td>${
      escape(measured)
    }</td></tr>`
  );
  const label = `role="img" aria-label="${escape(`${figure.title}. ${figure.caption}`)}"`;
  const file = escape(encodeURIComponent(figure.id));
  return `<section id="${idOf(figure.id)}">
<h2>${escape(figure.title)}</h2>
<figure>
${
    drawing.svg.replace(/<svg (.*?)width="(\d+)" height="\d+"/, (_, rest, width) =>
      `<svg ${label} ${rest}style="width:${1.5 * Number(width)}px"`)
  }
<figcaption>${escape(figure.caption)}</figcaption>
</figure>
<p class="source">Source: ${escape(figure.source)}. Files:
<a href="${file}.svg">SVG</a>, <a href="${file}.png">PNG</a>.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">Quantity</th><th scope="col">The paper states</th><th scope="col">Measured</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>
</section>`;
}

function escape(text: string): string {
  return printable(text).replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
