import type { Finding } from "../finding.ts";
import type { Overview } from "../overview.ts";
import { isWithoutGain } from "../plateau.ts";
import { plateauEvidence, plateauText } from "../plateau_text.ts";
import { fallenBenchmarksText } from "./benchmark_findings.ts";

/**
 * Whether a score gains nothing more: a problem of a score that rose before or that fell. One that did not
 * change in the whole log may be noise about a level; where entropy was spent on it, its own finding says so.
 */
export function plateauFindings({ run, plateau, isSolved }: Overview): Finding[] {
  if (run.score === undefined || plateau === undefined) return [];
  const isNothing = isWithoutGain(plateau) && !plateau.fell;
  return [{
    topic: "plateau",
    severity: isSolved || isNothing ? "notice" : "problem",
    finding: `${plateauText(plateau)}${
      isSolved ? "; if 1 is the most, little is left to gain" : ""
    }${plateau.fell ? fallenBenchmarksText(run) : ""}.`,
    evidence: `${run.score.label}: ${plateauEvidence(plateau)}`,
    marks: [
      ...(isWithoutGain(plateau)
        ? []
        : [{ step: plateau.since.step, label: plateau.fell ? "falls since" : "no gain since" }]),
      { step: plateau.best.step, label: "best score" },
    ],
  }];
}
