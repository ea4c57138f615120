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
      marks: [
        ...(isWithoutGain(plateau) ? [] : [{ step: plateau.since.step, label: "no gain since" }]),
        { step: plateau.best.step, label: "best score" },
      ],
    });
  }
  const against = trainingFinding(run, plateau);
  return against === undefined ? findings : [...findings, against];
}

/** The training score of a run. */
function trainingScore({ series, trainingScore }: Run): { label: string } & Series | undefined {
  if (trainingScore !== undefined) return trainingScore;
  for (const pattern of COMPANION_RULES["training score"]) {
    const found = series.entries().find(([key]) => pattern.test(normalKey(key)));
    if (found !== undefined) return { label: found[0], ...found[1] };
  }
  return undefined;
}

/** The training score against the validation score: over the plateau, or over the run. */
function trainingFinding(run: Run, plateau: Plateau | undefined): Finding | undefined {
  const training = trainingScore(run);
  if (run.score?.kind !== "validation" || training === undefined) return undefined;
  const from = plateau === undefined ? -Infinity : plateau.since.step;
  const period = plateau === undefined || isWithoutGain(plateau)
    ? "over the log"
    : `since step ${plateau.since.step}`;
  const train = scoreEnds(since(training, from), "training");
  const validation = scoreEnds(since(run.score, from), "validation");
  if (train === undefined || validation === undefined) return undefined;
  const flat = findPlateau(since(training, from));
  const trains = train.now > train.start && !(flat !== undefined && isWithoutGain(flat));
  const validates = plateau === undefined && validation.now > validation.start;
  return {
    topic: "training against validation",
    severity: trains && !validates ? "notice" : "fine",
    finding: `${period} ${
      trains && validates
        ? "both the training score and the validation score rose."
        : validates
        ? "the validation score rose, and the training score did not."
        : trains
        ? "the training score rose and the validation score did not: the policy learns its training problems, or only grows surer, which alone raises the score of sampled responses."
        : "neither the training score nor the validation score rose beyond its scatter."
    }`,
    evidence: `${training.label} ${number(train.start, 3)} to ${
      number(train.now, 3)
    } (${train.evidence}); ${run.score.label} ${number(validation.start, 3)} to ${
      number(validation.now, 3)
    } (${validation.evidence})`,
  };
}

function since({ steps, values }: Series, from: number): Series {
  const at = steps.findIndex((step) => step >= from);
  const start = at < 0 ? steps.length : at;
  return { steps: steps.subarray(start), values: values.subarray(start) };
}
