/** Reports of diagnosed runs show what a log holds, and obey none of it. */
import assert from "node:assert/strict";
import type { Diagnosis } from "../../../analysis/diagnosis.ts";
import { diagnosisHtml, diagnosisMarkdown } from "../../../analysis/reports/diagnosis_report.ts";
import { diagnosisText } from "../../../analysis/reports/diagnosis_text.ts";

const evil = `<img src=x onerror="a()">|[b](c)\u001b[31m\u202e`;
const diagnosis: Diagnosis = {
  source: evil,
  name: evil,
  verdict: `no gain: ${evil}`,
  findings: [{ topic: evil, severity: "problem", finding: evil, evidence: evil }],
};

Deno.test("names and keys from a log are text in Markdown, in HTML and on a terminal", () => {
  const markdown = diagnosisMarkdown([{ diagnosis }]);
  assert.match(markdown, /^# Diagnosis of \\<img src=x/);
  assert.doesNotMatch(markdown, /(?<!\\)[<>[]/);
  const rows = markdown.split("\n").filter((line) => line.startsWith("| problem"));
  assert.equal(rows.length, 1);
  // Four cells, whatever stands in them.
  assert.equal(rows[0]!.match(/(?<!\\)\|/g)!.length, 5);
  const html = diagnosisHtml([{ diagnosis }]);
  assert.doesNotMatch(html, /<img/);
  assert.match(html, /<tr class="problem"><td>problem<\/td><td>&lt;img/);
  // deno-lint-ignore no-control-regex
  const acts = /[\u001b\u202e]/;
  for (const text of [markdown, html, diagnosisText(diagnosis)]) assert.doesNotMatch(text, acts);
});

Deno.test("a picture is in the page, and linked from the Markdown", () => {
  const picture = {
    svg: '<svg xmlns="x" width="300" height="200"></svg>',
    png: "a run.diagnosis.png",
  };
  const html = diagnosisHtml([{ diagnosis, picture }]);
  assert.match(html, /<svg role="img" aria-label="[^"]*" xmlns="x" style="width:450px">/);
  assert.match(diagnosisMarkdown([{ diagnosis, picture }]), /\]\(a%20run\.diagnosis\.png\)/);
});

Deno.test("runs of one name are headed by their logs, and what failed is named", () => {
  const runs = ["x/log.csv", "y/log.csv"].map((source) => ({
    diagnosis: { ...diagnosis, source, name: "log.csv" },
  }));
  const failed = ["b.bin is a binary file."];
  const markdown = diagnosisMarkdown(runs, failed);
  assert.deepEqual(markdown.match(/^## .*$/gm), ["## x/log.csv", "## y/log.csv"]);
  assert.match(markdown, /Not diagnosed:\n\n- b\.bin is a binary file\.\n/);
  const html = diagnosisHtml(runs, failed);
  assert.match(html, /<h2>x\/log\.csv<\/h2>/);
  assert.match(html, /<li>b\.bin is a binary file\.<\/li>/);
});
