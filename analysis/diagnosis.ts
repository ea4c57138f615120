import { counted } from "../formats/counted.ts";
import type { Effort } from "./effort.ts";
import type { Finding } from "./finding.ts";
import { benchmarkFindings, partedFinding } from "./findings/benchmark_findings.ts";
import { companionFindings } from "./findings/companion_findings.ts";
import { entropyDefinition } from "./findings/entropy_definition.ts";
import { entropyFindings } from "./findings/entropy_findings.ts";
import { groupFinding } from "./findings/group_findings.ts";
import { movedFirstFinding } from "./findings/moved_first_finding.ts";
import { logEntropyFinding } from "./findings/log_entropy_finding.ts";
import { remedyFinding } from "./findings/remedy_findings.ts";
import { divergenceFinding, rewardTermsFinding } from "./findings/reward_findings.ts";
import { rewardPartingFinding } from "./findings/reward_parting_finding.ts";
import { scoreFinding } from "./findings/score_finding.ts";
import { lawFindings } from "./findings/law_findings.ts";
import { overviewOf } from "./overview.ts";
import { pairs } from "./pairs.ts";
import { plateauFindings } from "./findings/plateau_findings.ts";
import { readingFindings } from "./findings/reading_findings.ts";
import type { Run } from "./readers/run.ts";
import type { RunFit } from "./run_fit.ts";
import { taskTermFindings } from "./findings/task_term_findings.ts";
import { shortened } from "./shortened.ts";
import { findTraps } from "./traps.ts";
import { tryFit } from "./try_fit.ts";
import { gravestFirst, verdictOf } from "./verdict.ts";

/** What a log tells about a run whose entropy is in question. */
export interface Diagnosis {
  /** Path of the log. */
  readonly source: string;
  /** The run's name. */
  readonly name: string;
  /** The findings in one line. */
  readonly verdict: string;
  /** Problems first, then notes, what is well, and what the log does not tell. */
  readonly findings: readonly Finding[];
}

/** A diagnosis and the fit that it rests on. */
export interface FittedDiagnosis {
  /** What was found. */
  readonly diagnosis: Diagnosis;
  /** The fit, or in one sentence why there is none. */
  readonly fitted: RunFit | string;
}

/**
 * Diagnoses a run: what its entropy is and what became of it, how much performance is done and left by
 * the law, what moved together with entropy, which metric traps of the framework apply, and what the
 * paper's remedies would be. Where the log does not tell, it says so.
 *
 * @param effort How much is computed for its law.
 * @throws {ReadError} if the log has neither an entropy nor a score.
 */
export function diagnose(whole: Run, effort?: Effort): Diagnosis {
  return diagnoseWithFit(whole, effort).diagnosis;
}

/**
 * Diagnoses a run as {@linkcode diagnose} does, and gives its fit too, which takes long.
 *
 * @throws {ReadError} as {@linkcode diagnose} does.
 */
export function diagnoseWithFit(whole: Run, effort?: Effort): FittedDiagnosis {
  const run = shortened(whole);
  if (run.entropy === undefined && run.score === undefined) pairs(run);
  const overview = overviewOf(run);
  const entropy = entropyFindings(overview);
  const fitted = tryFit(overview, effort);
  const findings = gravestFirst([
    ...partedFinding(overview),
    ...plateauFindings(overview),
    entropyDefinition(run),
    ...logEntropyFinding(run),
    ...entropy,
    scoreFinding(overview),
    ...lawFindings(fitted, overview),
    ...benchmarkFindings(run, fitted),
    ...movedFirstFinding(overview),
    ...companionFindings(overview),
    groupFinding(run),
    ...divergenceFinding(overview),
    ...rewardPartingFinding(run),
    ...taskTermFindings(overview),
    ...rewardTermsFinding(run),
    ...findTraps(run),
    remedyFinding(overview, entropy[0]!),
    ...readingFindings(run),
    ...leftOut(run),
  ]);
  const verdict = verdictOf(findings);
  return { diagnosis: { source: run.source, name: run.name, verdict, findings }, fitted };
}

/** What of the log the findings do not rest on. */
function leftOut({ malformed: { count, examples } }: Run): Finding[] {
  if (count === 0) return [];
  return [{
    topic: "malformed",
    severity: "notice",
    finding: `${counted(count, "piece")} of the log could not be used and ${
      count === 1 ? "was" : "were"
    } left out.`,
    evidence: examples.join("; "),
  }];
}
