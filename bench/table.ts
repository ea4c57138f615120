import { number } from "../formats/number.ts";
import type { PeerResult, Report } from "./report.ts";

/** A report as a Markdown table that also reads well on a terminal, with what there is to say of peers below. */
export function table({ versions, missing, results }: Report): string {
  const peers = peerNames(results);
  const names = results.map(({ name }) => name);
  const isAlone = (name: string) => names.indexOf(name) === names.lastIndexOf(name);
  const rows = [
    ["", "size", "rate", "of the copy", ...peers.map((peer) => `${peer} ${versions[peer]}`)],
    ...results.map((result) => [
      result.name,
      result.size,
      `${scaled(result.value, result.unit)}`,
      result.shareOfRoof === null ? "" : `${Math.round(100 * result.shareOfRoof)} %`,
      ...peers.map((peer) => peerCell(result.peers[peer], (value) => scaled(value, result.unit))),
    ]),
  ];
  const remarks = [
    ...results.flatMap(({ name, size, peers }) =>
      peerRemarks(isAlone(name) ? name : `${name} ${size}`, peers)
    ),
    ...missingPeers(missing),
  ];
  return [markdownTable(rows, 2), ...(remarks.length === 0 ? [] : ["", ...remarks])].join("\n");
}

/** What peers did, by their names. */
export type PeerResults = Readonly<Record<string, PeerResult>>;

/** The peers that any result has. */
export function peerNames(results: readonly { readonly peers: PeerResults }[]): string[] {
  return Array.from(new Set(results.flatMap(({ peers }) => Object.keys(peers))));
}

/** A peer's rate, and how many times it is passed; empty for a peer that does not take the problem. */
export function peerCell(
  peer: PeerResult | undefined,
  format: (value: number) => string,
): string {
  if (peer === undefined) return "";
  if ("reason" in peer) return "not run";
  return `${format(peer.value)} (×${number(peer.ratio, 2)})`;
}

/** A sentence for each peer that did not run `what`, or ran it faster. */
export function peerRemarks(what: string, peers: PeerResults): string[] {
  return Object.entries(peers).flatMap(([peer, outcome]) => {
    if ("reason" in outcome) return [`${peer} did not run ${what}: ${outcome.reason}.`];
    const times = number(1 / outcome.ratio, 2);
    return outcome.ratio < 1 ? [`${peer} is ${times} times as fast on ${what}.`] : [];
  });
}

/** A sentence for each peer that the machine does not have. */
export function missingPeers(missing: Report["missing"] = {}): string[] {
  return Object.entries(missing).map(([peer, remedy]) => `${peer} is not installed: ${remedy}.`);
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

/** A rate with its unit, tokens in millions. */
function scaled(value: number, unit: string): string {
  return unit === "tokens/s"
    ? `${number(value / 1e6, 3)} M tokens/s`
    : `${number(value, 3)} ${unit}`;
}
