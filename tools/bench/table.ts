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
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${
      row.map((text, i) => i < 2 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)).join(" | ")
    } |`;
  const ruler = widths.map((width, i) => i < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  const reasons = results.flatMap(({ name, size, peers }) =>
    Object.entries(peers).flatMap(([peer, outcome]) =>
      "reason" in outcome ? [`${peer} did not run ${name} ${size}: ${outcome.reason}.`] : []
    )
  );
  const lines = [line(rows[0]!), line(ruler), ...rows.slice(1).map(line)];
  return [...lines, ...(reasons.length === 0 ? [] : ["", ...reasons])].join("\n");
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
