import { counted } from "../../formats/counted.ts";
import { number } from "../../formats/number.ts";
import { printable } from "../../formats/printable.ts";
import { bold } from "../../formats/terminal.ts";
import { paperRows } from "../paper_data.ts";
import type { CovarianceReport } from "../tokens/covariance_report.ts";
import type { TokenDump } from "../tokens/dump.ts";
import type { KlCovReport, MethodReport } from "../tokens/method_report.ts";
import { PPO_CLIP } from "../tokens/ppo_clip.ts";
import type { CovarianceToken } from "../tokens/selected_tokens.ts";
import { notesOnCovariances } from "./covariance_notes.ts";
import { alignedColumns, LONGEST_ROW, percent, reportText, type Row } from "./report_text.ts";

/**
 * What `deno task cov` prints of a dump.
 *
 * @param report Of the dump.
 */
export function covarianceText(
  tokens: TokenDump,
  report: CovarianceReport,
): string {
  const { klCov, clipCov, ratio } = report;
  const [lowest, highest] = report.range;
  const rows: Row[] = [
    [
      "tokens",
      `${report.tokens} of responses; ${tokens.padding} masked (prompts, padding); ${tokens.leftOut} left out`,
    ],
    ["mean ln π", `${number(report.meanLogProb)} nats`],
    ["mean A", number(report.meanAdvantage)],
    [
      "covariance",
      `mean ${number(report.meanCovariance)}, from ${number(lowest)} to ${number(highest)}`,
    ],
    ["Table 1", groupLines(report)],
    [
      "KL-Cov",
      [
        askedText("k", klCov.klCovRatio, klCov, report.tokens) + thresholdText(klCov),
        carriedText(klCov),
      ],
    ],
    [
      "Clip-Cov",
      [
        `${askedText("r", clipCov.clipCovRatio, clipCov, report.tokens)} of the ${
          counted(clipCov.candidates, "candidate")
        }, ` +
        `${number(clipCov.covarianceLow)} < covariance < ${
          number(clipCov.covarianceHigh)
        } (seed ${clipCov.seed})`,
        carriedText(clipCov),
      ],
    ],
  ];
  if (ratio !== undefined) {
    rows.push([
      "PPO",
      `clip fraction ${number(ratio.clipFraction)} at ε = ${PPO_CLIP}, mean |ln π − ln π_old| ` +
      `${number(ratio.meanAbsoluteLogRatio)} nats (${counted(ratio.tokens, "token")})`,
    ]);
  }
  if (highest > 0) rows.push(["highest", tokenLines(report.highest)]);
  for (const note of notesOnCovariances(tokens, report)) rows.push(["note", note]);
  if (tokens.malformed.count > 0) {
    rows.push([
      "malformed",
      `${counted(tokens.malformed.count, "line")} left out, such as ${
        tokens.malformed.examples[0]
      }`,
    ]);
  }
  const source = bold(printable(tokens.source, LONGEST_ROW));
  const head = `${source} (${tokens.format}, ${counted(tokens.sequences, "sequence")})`;
  return reportText(head, rows, 12);
}

/** Our groups beside the paper's. */
function groupLines({ groups }: CovarianceReport): string[] {
  const paper = paperRows("table1.csv").map(({ group, mean_covariance }) => ({
    share: group === "All" ? 100 : Number(/[\d.]+/.exec(group!)![0]),
    mean: mean_covariance!,
  }));
  return alignedColumns([
    ["group", "tokens", "mean covariance", "paper (Qwen2.5-7B, step 1)"],
    ...groups.map(({ share, tokens, mean }) => [
      share === 1 ? "all" : `top ${percent(share)}`,
      String(tokens),
      number(mean),
      paper.find((row) => percent(row.share / 100) === percent(share))?.mean ?? "–",
    ]),
  ]);
}

function tokenLines(highest: readonly CovarianceToken[]): string[] {
  const hasTokens = highest.some(({ token }) => token !== undefined);
  return alignedColumns([
    [
      "covariance",
      "sequence",
      "position",
      "ln π",
      "A",
      ...(hasTokens ? ["token"] : []),
      "selected by",
    ],
    ...highest.map(({ covariance, sequence, position, logProb, advantage, token, methods }) => [
      number(covariance),
      String(sequence),
      String(position),
      number(logProb),
      number(advantage),
      ...(hasTokens ? [JSON.stringify(token) ?? "–"] : []),
      methods.join(", ") || "–",
    ]),
  ]);
}

function askedText(
  name: string,
  ratio: number,
  { definition, asked, selected, share }: MethodReport,
  tokens: number,
): string {
  const floor = `⌊${number(ratio)} · ${tokens}⌋`;
  const rule = definition === "verl" && asked > 0 ? `max(${floor}, 1)` : floor;
  return `${definition}, ${name} = ${number(ratio)}: ${rule} = ${asked} asked, ` +
    `${selected} selected (${percent(share)})`;
}

function thresholdText({ threshold }: KlCovReport): string {
  return threshold === null ? "" : `, covariance ≥ ${number(threshold)}`;
}

function carriedText({ selected, covarianceShare, positiveShare }: MethodReport): string {
  if (selected === 0) return "no token is selected";
  const carry = selected === 1 ? "it carries" : "they carry";
  if (covarianceShare === null) return `${carry} nothing: the sum of all covariances is 0`;
  const carried = Math.abs(covarianceShare) <= 1
    ? percent(covarianceShare)
    : `${number(covarianceShare, 3)} times`;
  const positive = positiveShare === null ? "" : `, ${percent(positiveShare)} of its positive part`;
  return `${carry} ${carried} ${
    Math.abs(covarianceShare) <= 1 ? "of " : ""
  }the sum of all covariances${positive}`;
}
