import { counted } from "../../formats/counted.ts";
import { notCaught } from "./result_text.ts";
import type { MutantResult } from "./run_mutants.ts";

const HEAD = `# Mutants

Wrong changes to the code, one at a time, and the first test that each makes fail. Made with

    deno task mutants

from checks/mutants/table/. A change counts as caught only by an assertion of a test.
`;

/** The page of a run of all mutants. */
export function mutantsPage(results: readonly MutantResult[]): string {
  const survivors = notCaught(results);
  const rows = results.map(({ mutant: { what, file, text, replacement }, outcome }) => {
    const caught = outcome.kind === "failed" ? escaped(outcome.test) : "**nothing**";
    const cells = [escaped(what), file, `${code(text)} → ${code(replacement)}`, caught];
    return `| ${cells.join(" | ")} |\n`;
  });
  return `${HEAD}
${counted(results.length, "change")}, ${
    survivors === 0 ? "none of which survives" : `${survivors} not caught`
  }.

| what is wrong then | file | change | caught by |
| --- | --- | --- | --- |
${rows.join("")}`;
}

/** A piece of code in a cell of a table: on one line, and with no bar that would end the cell. */
function code(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
  if (line === "") return "nothing";
  return line.includes("`") ? `\`\` ${line} \`\`` : `\`${line}\``;
}

function escaped(text: string): string {
  return text.replaceAll(/([|*_<`])/g, "\\$1");
}
