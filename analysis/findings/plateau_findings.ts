import type { Finding } from "../finding.ts";
import { isOver } from "../gain.ts";
import type { Overview } from "../overview.ts";
import { isConstant, isWithoutGain } from "../plateau.ts";
import { plateauEvidence, plateauText } from "../plateau_text.ts";
import { mayHaveLostPercent } from "../readers/score_series.ts";
import { stepText } from "../step_text.ts";
import { signed } from "./words.ts";
import { fallenBenchmarksText } from "./benchmark_findings.ts";

/**
 * Whether a score gains nothing more: a problem of one that rose before, that fell, or that never changes at
 * all. One that scatters about a level in the whole log is none: where entropy was spent on it, the entropy's
 * finding says so.
 */
export function plateauFindings({ run, plateau, parted, isSolved, gain }: Overview): Finding[] {
  if (run.score === undefined || plateau === undefined) return [];
  const isNoise = isWithoutGain(plateau) && plateau.fall === undefined && !isConstant(plateau);
  const isOpen = gain !== undefined && plateau.fall === undefined && !isOver(gain);
  return [{
    topic: "plateau",
    severity: isSolved || isNoise || isOpen || parted !== undefined ? "notice" : "problem",
    finding: `${plateauText(plateau)}${
      isSolved ? "; if 1 is the most, little is left to gain" : ""
    }${
      isOpen && gain.why === "open" && gain.rise.expected !== undefined
        ? `; by the law ${signed(gain.rise.expected)} was to be expected since step ${
          stepText(gain.since)
        }, which the scatter of the scores does not exclude`
        : ""
    }${plateau.fall !== undefined ? fallenBenchmarksText(run) : ""}${
      plateau.fall !== undefined && mayHaveLostPercent(run.score)
        ? "; or its unit changed on the way from percent to a fraction, which the log does not tell"
        : ""
    }.`,
    evidence: `${run.score.label}: ${plateauEvidence(plateau)}`,
    marks: [
      ...(isWithoutGain(plateau) ? [] : [{
        step: plateau.since.step,
        label: plateau.fall !== undefined ? "falls since" : "no gain since",
      }]),
      { step: plateau.best.step, label: "best score" },
    ],
  }];
}
