import { htmlText } from "../../formats/html.ts";
import { type JudgedClaim, type JudgedCriterion, VERDICT_RULE } from "../claims.ts";
import { countVerdicts, describeMissing } from "../reports/claims_text.ts";
import { withCounterparts } from "./counterparts.ts";
import { compileFigure, type Drawing, idOf } from "./draw.ts";
import type { Figure } from "./figure.ts";
import { LIVE_SCRIPT } from "./live.ts";
import { PAGE_STYLE } from "./page_style.ts";

/** The log of a run, for a link. */
export interface LinkedLog {
  /** The name of the run. */
  readonly run: string;
  /** The address of its log, from the page. */
  readonly address: string;
}

/** A figure with its picture. */
export interface DrawnFigure {
  /** What it shows and measures. */
  readonly figure: Figure;
  /** Its picture. */
  readonly drawing: Drawing;
  /** The logs of the runs behind it. */
  readonly logs: readonly LinkedLog[];
  /** The command that draws it again. */
  readonly command: string;
}

/** What is on the page. */
export interface PageContent {
  /** Its head. */
  readonly title: string;
  /** What it is about. */
  readonly introduction: string;
  /** The verdicts on the paper's claims. */
  readonly claims: readonly JudgedClaim[];
  /** The figures, in their order. */
  readonly drawn: readonly DrawnFigure[];
}

/** The file beside the page that has Vega, which the page loads when a figure is first pointed at. */
export const VEGA_FILE = "vega.js";

/**
 * The page of the study: the verdict on every claim, then every figure with its caption, its numbers, the logs of the
 * runs behind it and the command that draws it again, the paper's beside ours where both are there. Pictures are the
 * files beside the page; where a figure has something to tell of its points, Vega draws it anew under the pointer.
 * Nothing comes from a network, and without a script all but that is there.
 */
export function renderPage({ title, introduction, claims, drawn }: PageContent): string {
  const blocks = withCounterparts(drawn);
  const links = blocks.flat().map(({ figure }) =>
    `<li><a href="#${idOf(figure.id)}">${htmlText(figure.title)}</a></li>`
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
<nav aria-label="Contents"><ul>
<li><a href="#claims">Claims</a></li>
${links.join("\n")}
</ul></nav>
<main>
<h1>${htmlText(title)}</h1>
<p>${htmlText(introduction)}</p>
${claimsSection(claims)}
${blocks.map(block).join("\n")}
</main>
<div id="pointed" role="status" hidden></div>
<script>${LIVE_SCRIPT}</script>
</body>
</html>
`;
}

// The claims.

function claimsSection(claims: readonly JudgedClaim[]): string {
  return `<section id="claims">
<h2>What became of the paper's claims</h2>
<p>${
    htmlText(countVerdicts(claims))
  } A claim opens to its numbers, or while it has none to its rule. ${htmlText(VERDICT_RULE)}</p>
<table class="claims">
<thead><tr><th scope="col">Claim</th><th scope="col">The paper</th><th scope="col">Ours</th><th scope="col">Verdict</th></tr></thead>
<tbody>
${claims.map(claimRow).join("\n")}
</tbody>
</table>
<p class="source">The same as text or as numbers: <code>deno task claims</code>, <code>deno task claims --json</code>.</p>
</section>`;
}

function claimRow(claim: JudgedClaim): string {
  const { number, statement, place, paper, verdict } = claim;
  const kind = verdict.replaceAll(" ", "-");
  return `<tr id="claim-${number}"><th scope="row"><details><summary>${number}. ${
    htmlText(statement)
  }</summary>
${claimDetails(claim)}
</details></th><td data-head="The paper, ${htmlText(place)}">${
    htmlText(paper)
  }</td><td data-head="Ours">${
    headline(claim)
  }</td><td data-head="Verdict"><span class="verdict ${kind}">${
    htmlText(verdict)
  }</span></td></tr>`;
}

/** The numbers of a claim that decide: of the reading that counts its decisive ones, else its first. */
function headline({ verdict, readings }: JudgedClaim): string {
  const { criteria } = readings.find((reading) => reading.verdict === verdict)!;
  const decisive = criteria.filter((criterion) => criterion.decisive);
  const shown = decisive.length > 0 ? decisive : criteria.slice(0, 1);
  return shown.map(({ quantity, ours }) => htmlText(`${quantity}: ${ours}`)).join("<br>") || "–";
}

function claimDetails(claim: JudgedClaim): string {
  const { place, rule, readings, scale, missing } = claim;
  const parts = readings.filter(({ criteria }) => criteria.length > 0).map((
    { name, verdict, criteria },
  ) =>
    `${name === "" ? "" : `<p>Read as ${htmlText(name)}: ${htmlText(verdict)}.</p>\n`}<ul>\n${
      criteria.map(criterionItem).join("\n")
    }\n</ul>`
  );
  const rest = missing.length > 0
    ? [`<p>${htmlText(describeMissing(claim))}</p>`, `<p>Rule: ${htmlText(rule)}</p>`]
    : scale.map((sentence) => `<p>${htmlText(sentence)}</p>`);
  return [`<p>${htmlText(place)}.</p>`, ...parts, ...rest].join("\n");
}

function criterionItem(
  { outcome, quantity, ours, accepted, decisive, paper, because }: JudgedCriterion,
): string {
  const said = `${quantity}: ${ours}. Accepted: ${accepted}${
    decisive ? " (decisive)" : ""
  }; the paper: ${paper}. ${because}`;
  return `<li><b class="${outcome.replaceAll(" ", "-")}">${outcome}</b> ${
    htmlText(said.trimEnd())
  }</li>`;
}

// The figures.

function block(figures: readonly DrawnFigure[]): string {
  const sections = figures.map(section).join("\n");
  return figures.length === 1 ? sections : `<div class="pair">\n${sections}\n</div>`;
}

function section({ figure, drawing, logs, command }: DrawnFigure): string {
  const { id, title, caption, source, measurements } = figure;
  const file = htmlText(encodeURIComponent(id));
  return `<section id="${idOf(id)}">
<h2>${htmlText(title)}</h2>
<figure>
${picture(figure, drawing)}
<figcaption>${htmlText(caption)}</figcaption>
</figure>
<p class="source">Source: ${htmlText(source)}. Files: <a href="${file}.svg">SVG</a>,
<a href="${file}.png">PNG</a>. Drawn again by <code>${htmlText(command)}</code>.</p>
${logs.length === 0 ? "" : logList(logs)}
${measurements.length === 0 ? "" : numbers(figure)}
</section>`;
}

/** The picture, and the specification from which it is drawn anew if it can tell of its points. */
function picture({ id, title, spec }: Figure, { svg }: Drawing): string {
  const [, width, height] = /<svg [^>]*?width="(\d+)" height="(\d+)"/.exec(svg)!;
  const size = `width="${width}" height="${height}"`;
  const image = `<img src="${htmlText(encodeURIComponent(id))}.svg" ${size} alt="${
    htmlText(title)
  }">`;
  const isLive = JSON.stringify(spec).includes('"tooltip"');
  const data = isLive
    ? `\n<script type="application/json">${json(compileFigure(spec))}</script>`
    : "";
  return `<div class="picture" style="--width: ${width}px"${
    isLive ? " data-live" : ""
  }>${image}${data}</div>`;
}

/** Digits of the numbers under the pointer. */
const DIGITS = 6;

function json(spec: object): string {
  const text = JSON.stringify(
    spec,
    (_, value) => typeof value === "number" ? Number(value.toPrecision(DIGITS)) : value,
  );
  // In a script an end tag or a comment would be read as such, and unseen characters are seen by nobody.
  return text.replace(
    /[<\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join(""),
  );
}

function logList(logs: readonly LinkedLog[]): string {
  const items = logs.map(({ run, address }) =>
    `<li><a href="${htmlText(address)}">${htmlText(run)}</a></li>`
  );
  const count = logs.length === 1 ? "The log of the run" : `The logs of the ${logs.length} runs`;
  return `<details class="logs"><summary>${count} behind it</summary><ul>
${items.join("\n")}
</ul></details>`;
}

function numbers({ measurements }: Figure): string {
  const rows = measurements.map(({ quantity, paper, measured }) =>
    `<tr><th scope="row">${htmlText(quantity)}</th><td data-head="The paper states">${
      htmlText(paper ?? "–")
    }</td><td data-head="Measured">${htmlText(measured)}</td></tr>`
  );
  return `<table>
<thead><tr><th scope="col">Quantity</th><th scope="col">The paper states</th><th scope="col">Measured</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>`;
}
