import { enumeration } from "../readers/key_list.ts";
import type { Run } from "../readers/run.ts";
import { runnersUpText } from "../findings/reading_findings.ts";
import type { Row } from "./report_text.ts";

/** Characters that a list of keys may have in a row. */
const LONGEST = 400;

/** Rows that say why a run's score was chosen, what else could have been, and what was not understood. */
export function choiceRows({ choices, unrecognised }: Run): Row[] {
  const rows: Row[] = [];
  const { entropy, score } = choices;
  if (score !== undefined) rows.push(["chosen", `the score: ${score.because}`]);
  if (score !== undefined && score.runnersUp.length > 0) {
    rows.push(["other scores", `${runnersUpText(score.runnersUp)}; choose with --score-key`]);
  }
  if (entropy !== undefined && entropy.runnersUp.length > 0) {
    rows.push(["other H", `${runnersUpText(entropy.runnersUp)}; choose with --entropy-key`]);
  }
  if (unrecognised.length > 0) {
    const names = unrecognised.map(({ key, looksLike }) => `${key} (${looksLike}?)`);
    rows.push(["not known", enumeration(names, LONGEST)]);
  }
  return rows;
}
