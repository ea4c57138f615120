import { printableJson } from "../../formats/printable.ts";
import type { CovarianceReport } from "../tokens/covariance_report.ts";
import type { TokenDump } from "../tokens/dump.ts";
import { notesOnCovariances } from "./covariance_notes.ts";

/** What `deno task cov --json` prints of a dump: one object on one line. */
export function covarianceJson(tokens: TokenDump, report: CovarianceReport): string {
  const { klCov, clipCov, ratio } = report;
  return printableJson({
    source: tokens.source,
    format: tokens.format,
    sequences: tokens.sequences,
    tokens: report.tokens,
    padding: tokens.padding,
    leftOut: tokens.leftOut,
    malformedLines: tokens.malformed.count,
    meanLogProb: report.meanLogProb,
    meanAdvantage: report.meanAdvantage,
    meanCovariance: report.meanCovariance,
    groups: report.groups,
    klCov,
    clipCov,
    ...(ratio === undefined ? {} : {
      clipFraction: ratio.clipFraction,
      meanAbsoluteLogRatio: ratio.meanAbsoluteLogRatio,
    }),
    notes: notesOnCovariances(tokens, report),
  });
}
