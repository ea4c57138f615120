import { number } from "../../analysis/cli/command.ts";
import type { PeerResult, Report, Result } from "./report.ts";

/** A report as a Markdown table that also reads well on a terminal, with the reasons of absent peers below. */
export function table({ versions, results }: Report): string {
  const peers = Array.from(new Set(results.flatMap((result) => Object.keys(result.peers))));
  const rows = [
    ["", "size", "rate", "of the copy", ...peers.map((peer) => `${peer} ${versions[peer]}`)],
    ...results.map((result) => [
      result.name,
      result.size,
      `${scaled(result.value, result.unit)}`,
      result.shareOfRoof === null ? "" : `${Math.round(100 * result.shareOfRoof)} %`,
      ...peers.map((peer) => cell(result, result.peers[peer])),
    ]),
  ];
  const reasons = results.flatMap(({ name, size, peers }) =>
    Object.entries(peers).flatMap(([peer, outcome]) =>
      "reason" in outcome ? [`${peer} did not run ${name} ${size}: ${outcome.reason}.`] : []
    )
  );
  return [markdownTable(rows, 2), ...(reasons.length === 0 ? [] : ["", ...reasons])].join("\n");
}

/**
 * Rows of one length as a Markdown table whose columns are aligned in the text as well.
 *
 * @param rows The first is the head.
 * @param left Columns that are aligned to the left.
 */
export function markdownTable(rows: readonly (readonly string[])[], left: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${
      row.map((text, i) => i < left ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)).join(
        " | ",
      )
    } |`;
  const ruler = widths.map((width, i) =>
    i < left ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [line(rows[0]!), line(ruler), ...rows.slice(1).map(line)].join("\n");
}

function cell({ unit }: Result, peer: PeerResult | undefined): string {
  if (peer === undefined) return "";
  if ("reason" in peer) return "not run";
  return `${scaled(peer.value, unit)} (×${number(peer.ratio, 2)})`;
}

/** A rate with its unit, tokens in millions. */
function scaled(value: number, unit: string): string {
  return unit === "tokens/s"
    ? `${number(value / 1e6, 3)} M tokens/s`
    : `${number(value, 3)} ${unit}`;
}
