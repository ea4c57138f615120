import { printable } from "../../formats/printable.ts";
import { bold, type Colour, coloured } from "../../formats/terminal.ts";
import type { Diagnosis } from "../diagnosis.ts";
import type { Severity } from "../finding.ts";
import { SEVERITY_NAMES } from "./diagnosis_report.ts";
import { LONGEST_ROW } from "./report_text.ts";

const COLOURS: Readonly<Record<Severity, Colour>> = {
  fine: "green",
  notice: "yellow",
  problem: "red",
  unknown: "gray",
};

/** What `deno task diagnose` prints of a run: each finding with a mark, and its evidence below it. */
export function diagnosisText({ name, source, verdict, findings }: Diagnosis): string {
  const lines = findings.map(({ topic, severity, finding, evidence }) => {
    const shown = coloured(COLOURS[severity], SEVERITY_NAMES[severity].padEnd(8));
    return `${shown}${bold(row(topic))}: ${row(finding)}\n        ${row(evidence)}`;
  });
  const head = `${bold(row(name))}${name === source ? "" : ` (${row(source)})`}`;
  return [head, row(verdict), "", ...lines].join("\n");
}

function row(text: string): string {
  return printable(text, LONGEST_ROW);
}
