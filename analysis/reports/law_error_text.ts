import { counted } from "../../formats/counted.ts";
import type { LawError } from "../law_error.ts";
import type { Run } from "../readers/run.ts";
import { runLabel } from "../run_label.ts";

/**
 * Why no law was fitted to a run, in one sentence that names the run, and where there are too few pairs another
 * on what they were made from and which score could be chosen instead.
 */
export function lawErrorText(run: Run, error: LawError): string {
  const { entropy, score } = run;
  const text = `${runLabel(run)}: ${error.message}`;
  if (error.code !== "too-few-pairs" || entropy === undefined || score === undefined) return text;
  const values = (steps: Float64Array) => counted(steps.length, "value");
  const other = run.choices.score?.runnersUp.find(({ keys, count }) =>
    keys.length === 1 && count > score.steps.length
  );
  const more = other === undefined
    ? ""
    : `; --score-key ${other.keys[0]} would choose another score (${
      counted(other.count, "value")
    })`;
  return `${text} The score is ${score.label} (${
    values(score.steps)
  }), the entropy ${entropy.key} (${values(entropy.steps)})${more}.`;
}
