import { printable } from "../../formats/printable.ts";
import { bold, type Colour, coloured } from "../../formats/terminal.ts";
import type { Diagnosis } from "../diagnosis.ts";
import type { Severity } from "../finding.ts";
import { LONGEST_ROW } from "./report_text.ts";

const MARKS: Readonly<Record<Severity, readonly [string, Colour]>> = {
  fine: ["ok", "green"],
  notice: ["note", "yellow"],
  problem: ["problem", "red"],
  unknown: ["unknown", "gray"],
};

/** What `deno task diagnose` prints of a run: each finding with a mark, and its evidence below it. */
export function diagnosisText({ name, source, verdict, findings }: Diagnosis): string {
  const lines = findings.map(({ topic, severity, finding, evidence }) => {
    const [mark, colour] = MARKS[severity];
    const shown = coloured(colour, mark.padEnd(8));
    return `${shown}${bold(topic)}: ${row(finding)}\n        ${row(evidence)}`;
  });
  const head = `${bold(row(name))}${name === source ? "" : ` (${row(source)})`}`;
  return [head, row(verdict), "", ...lines].join("\n");
}

function row(text: string): string {
  return printable(text, LONGEST_ROW);
}
