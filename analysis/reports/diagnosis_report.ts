import { htmlText } from "../../formats/html.ts";
import { markdownText } from "../../formats/markdown.ts";
import type { Diagnosis } from "../diagnosis.ts";
import { labelled, PAGE_STYLE } from "../figures/page_look.ts";
import type { Severity } from "../finding.ts";
import { runHeadings } from "../run_label.ts";

/** A diagnosed run as a report shows it. */
export interface ReportedRun {
  /** What was found. */
  readonly diagnosis: Diagnosis;
  /** Its picture as an SVG, and the name of its PNG beside the report; undefined if it has none. */
  readonly picture?: { readonly svg: string; readonly png: string } | undefined;
}

/** What a severity is called. */
export const SEVERITY_NAMES: Readonly<Record<Severity, string>> = {
  fine: "ok",
  notice: "note",
  problem: "problem",
  unknown: "unknown",
};

/** What a report is of. */
function titleOf(runs: readonly ReportedRun[]): string {
  return runs.length === 1
    ? `Diagnosis of ${runs[0]!.diagnosis.name}`
    : `Diagnosis of ${runs.length} runs`;
}

/** What a report says of the files and runs that it cannot tell of. */
const FAILED = "Not diagnosed:";

/**
 * Diagnosed runs as Markdown, with links to their pictures' PNG files in the same folder.
 *
 * @param failed Why other files and runs are not among them, a sentence each.
 */
export function diagnosisMarkdown(
  runs: readonly ReportedRun[],
  failed: readonly string[] = [],
): string {
  const text = markdownText;
  const heads = runHeadings(runs.map(({ diagnosis }) => diagnosis));
  const others = failed.length === 0
    ? ""
    : `${FAILED}\n\n${failed.map((message) => `- ${text(message)}`).join("\n")}\n\n`;
  const sections = runs.map(({ diagnosis: { name, source, verdict, findings }, picture }, i) =>
    [
      `## ${text(heads[i]!)}`,
      text(verdict),
      `Log: ${text(source)}`,
      ...(picture === undefined
        ? []
        : [`![Course and law of ${text(name)}](${encodeURIComponent(picture.png)})`]),
      [
        "| | about | finding | evidence |",
        "| --- | --- | --- | --- |",
        ...findings.map(({ severity, topic, finding, evidence }) =>
          `| ${
            [SEVERITY_NAMES[severity], text(topic), text(finding), text(evidence)].join(" | ")
          } |`
        ),
      ].join("\n"),
    ].join("\n\n")
  );
  return `# ${text(titleOf(runs))}\n\n${others}${sections.join("\n\n")}\n`;
}

const STYLE = `
  td { font-variant-numeric: normal; }
  .problem td:first-child { color: #B00020; font-weight: bold; }
  .notice td:first-child { color: #8A5A00; font-weight: bold; }
  .fine td:first-child, .unknown td:first-child { color: #555; }
  .verdict { font-weight: bold; }
`;

/**
 * Diagnosed runs as one page of HTML with everything in it: no script, no network, no other file.
 *
 * @param failed Why other files and runs are not among them, a sentence each.
 */
export function diagnosisHtml(
  runs: readonly ReportedRun[],
  failed: readonly string[] = [],
): string {
  const title = htmlText(titleOf(runs));
  const heads = runHeadings(runs.map(({ diagnosis }) => diagnosis));
  const others = failed.length === 0
    ? ""
    : `<p>${FAILED}</p>\n<ul>\n${
      failed.map((message) => `<li>${htmlText(message)}</li>`).join("\n")
    }\n</ul>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${PAGE_STYLE}${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
${others}${runs.map((run, i) => section(run, heads[i]!)).join("\n")}
</body>
</html>
`;
}

function section(
  { diagnosis: { name, source, verdict, findings }, picture }: ReportedRun,
  heading: string,
): string {
  const rows = findings.map(({ severity, topic, finding, evidence }) =>
    `<tr class="${severity}"><td>${SEVERITY_NAMES[severity]}</td><td>${htmlText(topic)}</td><td>${
      htmlText(finding)
    }</td><td>${htmlText(evidence)}</td></tr>`
  );
  const figure = picture === undefined
    ? ""
    : `<figure>\n${labelled(picture.svg, `Course and law of ${name}`)}\n</figure>\n`;
  return `<section>
<h2>${htmlText(heading)}</h2>
<p class="verdict">${htmlText(verdict)}</p>
<p class="source">Log: ${htmlText(source)}</p>
${figure}<div class="scroll"><table>
<thead><tr><th scope="col"></th><th scope="col">About</th><th scope="col">Finding</th><th scope="col">Evidence</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>
</section>`;
}
