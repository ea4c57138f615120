import { number } from "../formats/number.ts";
import type { Finding } from "./finding.ts";
import { findPlateau, isWithoutGain, type Plateau } from "./plateau.ts";
import { plateauEvidence, plateauText } from "./plateau_text.ts";
import { COMPANION_RULES, normalKey } from "./readers/keys.ts";
import type { Run } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import { scoreEnds } from "./score_ends.ts";

/** An accuracy above this has little left to gain. */
const SOLVED = 0.98;

/** Whether a score gains nothing more, and what the training score does meanwhile. */
export function plateauFindings(run: Run): Finding[] {
  const { score } = run;
  const plateau = score === undefined ? undefined : findPlateau(score);
  const findings: Finding[] = [];
  if (score !== undefined && plateau !== undefined) {
    const isSolved = score.unit === "fraction" && plateau.level >= SOLVED;
    findings.push({
      topic: "plateau",
      severity: isSolved ? "notice" : "problem",
      finding: `${plateauText(plateau)}.`,
      evidence: `${score.label}: ${plateauEvidence(plateau)}`,
    });
  }
  const against = trainingFinding(run, plateau);
  return against === undefined ? findings : [...findings, against];
}

/** The training score of a run, beside its validation score. */
function trainingScore({ series }: Run): { key: string; series: Series } | undefined {
  for (const pattern of COMPANION_RULES["training score"]) {
    const found = series.entries().find(([key]) => pattern.test(normalKey(key)));
    if (found !== undefined) return { key: found[0], series: found[1] };
  }
  return undefined;
}

/** The training score against the validation score: over the plateau, or over the run. */
function trainingFinding(run: Run, plateau: Plateau | undefined): Finding | undefined {
  const training = trainingScore(run);
  if (run.score?.kind !== "validation" || training === undefined) return undefined;
  const from = plateau === undefined ? -Infinity : plateau.since.step;
  const [train, validation] = [training.series, run.score].map((series) =>
    scoreEnds(since(series, from))
  );
  if (train === undefined || validation === undefined) return undefined;
  const [trained, validated] = [train, validation].map(({ start, now }) => now - start);
  const rises = trained! > 0 && findPlateau(since(training.series, from)) === undefined;
  const period = plateau === undefined || isWithoutGain(plateau)
    ? "over the log"
    : `since step ${plateau.since.step}`;
  const stays = plateau !== undefined || validated! <= 0;
  return {
    topic: "training against validation",
    severity: rises && stays ? "problem" : "fine",
    finding: rises && stays
      ? `${period} the training score rose and the validation score did not: what is learnt there is of the training problems alone.`
      : stays
      ? `${period} neither the training score nor the validation score rose.`
      : rises
      ? `${period} both the training score and the validation score rose.`
      : `${period} the validation score rose, and the training score did not.`,
    evidence: `${training.key} ${number(train.start, 3)} to ${
      number(train.now, 3)
    } (${train.evidence}); ${run.score.label} ${number(validation.start, 3)} to ${
      number(validation.now, 3)
    } (${validation.evidence})`,
  };
}

function since({ steps, values }: Series, from: number): Series {
  const at = steps.findIndex((step) => step >= from);
  return at < 0
    ? { steps: steps.subarray(0, 0), values: values.subarray(0, 0) }
    : { steps: steps.subarray(at), values: values.subarray(at) };
}
