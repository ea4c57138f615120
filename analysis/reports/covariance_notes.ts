import { counted } from "../../formats/counted.ts";
import type { CovarianceReport } from "../tokens/covariance_report.ts";
import type { TokenDump } from "../tokens/dump.ts";

/** What a reader should know about the covariances of a dump, in sentences. */
export function notesOnCovariances(
  tokens: TokenDump,
  { range: [lowest, highest] }: CovarianceReport,
): string[] {
  const notes = [...tokens.notes];
  if (lowest === 0 && highest === 0) {
    notes.push(
      "there is no signal: every covariance is 0, because all advantages or all log-probabilities are the same",
    );
  }
  if (tokens.leftOut > 0) {
    notes.push(
      `${counted(tokens.leftOut, "response token")} ${
        tokens.leftOut === 1 ? "was" : "were"
      } left out, whose log-probability or advantage is not a finite number`,
    );
  }
  if (tokens.format === "prime-rl") {
    notes.push("the old log-probabilities are those of the inference engine");
  }
  return notes;
}
