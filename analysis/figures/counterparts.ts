/** What a figure of the paper has behind its id where it is drawn from our own logs. */
const LAB = "_lab";

/**
 * Figures in blocks: one of the paper and its counterpart from our own logs (`table1` and `table1_lab`) are a block,
 * any other is one alone. Blocks are in the order of their first figures.
 */
export function withCounterparts<Drawn extends { readonly figure: { readonly id: string } }>(
  drawn: readonly Drawn[],
): Drawn[][] {
  const byId = new Map(drawn.map((one) => [one.figure.id, one]));
  const blocks = new Map<string, Drawn[]>();
  for (const one of drawn) {
    const { id } = one.figure;
    const papers = id.endsWith(LAB) ? id.slice(0, -LAB.length) : id;
    const [paper, own] = [byId.get(papers), byId.get(papers + LAB)];
    blocks.set(papers, paper !== undefined && own !== undefined ? [paper, own] : [one]);
  }
  return [...blocks.values()];
}
