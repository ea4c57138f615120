import { counted } from "../../formats/counted.ts";
import { ReadError } from "../../formats/errors.ts";
import { changeOf } from "../dynamics.ts";
import type { Finding } from "../finding.ts";
import { fitLaw, type LawFit } from "../law.ts";
import { LawError } from "../law_error.ts";
import { pairs } from "../pairs.ts";
import type { Run } from "../readers/run.ts";
import { CANNOT_TELL, round } from "./words.ts";

/** What the law says of the ceiling, and of the gain that is done. */
export function lawFindings(run: Run, options: { readonly draws?: number } = {}): Finding[] {
  const { score } = run;
  const fit = tryFit(run, options);
  if (score === undefined) return [];
  const change = changeOf(score);
  const findings: Finding[] = [];
  if (typeof fit === "string" || change === undefined) {
    findings.push({
      topic: "ceiling",
      severity: "unknown",
      finding: `${CANNOT_TELL}: no law can be fitted.`,
      evidence: typeof fit === "string" ? fit : "fewer than two scores",
    });
    return findings;
  }
  const [low, high] = fit.interval.ceiling;
  const fitted = `R = −${round(fit.a)}·e^H + ${round(fit.b)}, R² ${round(fit.r2, 2)}, ${
    counted(fit.n, "pair")
  }`;
  if (!fit.identified) {
    findings.push({
      topic: "ceiling",
      severity: "unknown",
      finding: `${CANNOT_TELL}: the pairs do not identify the law; ${fit.identifiedBecause}`,
      evidence: `${fitted}; ceiling ${round(fit.ceiling)} with 95 % interval [${round(low)}, ${
        round(high)
      }]`,
    });
    return findings;
  }
  const left = fit.ceiling - change.end;
  const share = (change.end - change.start) / (fit.ceiling - change.start);
  findings.push({
    topic: "ceiling",
    severity: left < 0.1 * Math.abs(fit.ceiling - change.start) ? "problem" : "notice",
    finding: `by the law the ceiling is ${round(fit.ceiling)}, ` +
      (left > 0 ? `${round(left)} above the score now.` : `no more than the score now.`),
    evidence: `95 % interval [${round(low)}, ${round(high)}]; ${fitted}`,
  }, {
    topic: "gain done",
    severity: !Number.isFinite(100 * share) ? "unknown" : share > 0.9 ? "problem" : "fine",
    finding: Number.isFinite(100 * share)
      ? `${round(100 * share, 3)} % of the gain that this entropy can buy is done.`
      : `${CANNOT_TELL}: the score started at the ceiling.`,
    evidence: `start ${round(change.start)}, now ${round(change.end)}, ceiling ${
      round(fit.ceiling)
    }`,
  });
  return findings;
}

function tryFit(run: Run, options: { readonly draws?: number }): LawFit | string {
  try {
    return fitLaw(pairs(run), options);
  } catch (error) {
    if (error instanceof LawError || error instanceof ReadError) return error.message;
    throw error;
  }
}
