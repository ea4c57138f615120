import type { Finding } from "../finding.ts";
import { findPlateau, isWithoutGain } from "../plateau.ts";
import { plateauEvidence, plateauText } from "../plateau_text.ts";
import type { Run } from "../readers/run.ts";

/** A score of at most 1 that stays above this has little left to gain. */
const SOLVED = 0.95;

/** Whether a score gains nothing more. */
export function plateauFindings({ score }: Run): Finding[] {
  const plateau = score === undefined ? undefined : findPlateau(score);
  if (score === undefined || plateau === undefined) return [];
  const isSolved = !plateau.fell && plateau.level >= SOLVED && plateau.best.score <= 1;
  return [{
    topic: "plateau",
    severity: isSolved ? "notice" : "problem",
    finding: `${plateauText(plateau)}${
      isSolved ? "; if 1 is the most, little is left to gain" : ""
    }.`,
    evidence: `${score.label}: ${plateauEvidence(plateau)}`,
    marks: [
      ...(isWithoutGain(plateau)
        ? []
        : [{ step: plateau.since.step, label: plateau.fell ? "falls since" : "no gain since" }]),
      { step: plateau.best.step, label: "best score" },
    ],
  }];
}
