import type { Finding } from "../finding.ts";
import { findPlateau, isWithoutGain } from "../plateau.ts";
import { plateauEvidence, plateauText } from "../plateau_text.ts";
import type { Run } from "../readers/run.ts";

/** An accuracy above this has little left to gain. */
const SOLVED = 0.98;

/** Whether a score gains nothing more. */
export function plateauFindings({ score }: Run): Finding[] {
  const plateau = score === undefined ? undefined : findPlateau(score);
  if (score === undefined || plateau === undefined) return [];
  const isSolved = score.unit === "fraction" && plateau.level >= SOLVED;
  return [{
    topic: "plateau",
    severity: isSolved ? "notice" : "problem",
    finding: `${plateauText(plateau)}.`,
    evidence: `${score.label}: ${plateauEvidence(plateau)}`,
    marks: [
      ...(isWithoutGain(plateau) ? [] : [{ step: plateau.since.step, label: "no gain since" }]),
      { step: plateau.best.step, label: "best score" },
    ],
  }];
}
