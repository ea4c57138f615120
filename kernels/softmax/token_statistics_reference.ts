/** What {@linkcode tokenStatisticsReference} reads. */
export interface TokenStatisticsReferenceInput {
  /** Rows of logits, row-major; −∞ is a masked token. */
  readonly logits: ArrayLike<number>;
  /** The target of each row. */
  readonly targets: ArrayLike<number>;
  /** Number of columns. */
  readonly columns: number;
  /** Divides the logits. */
  readonly temperature: number;
}

/** Statistics of each row, in nats. */
export interface TokenStatisticsReferenceOutput {
  /** ln p(target). */
  readonly logProb: Float64Array;
  /** −Σ p ln p. */
  readonly entropy: Float64Array;
  /** ln Σ exp(logits / temperature). */
  readonly logZ: Float64Array;
  /** The largest p. */
  readonly topProbability: Float64Array;
}

/** Token statistics in float64, the definition that token_statistics.wgsl is held to. */
export function tokenStatisticsReference(
  { logits, targets, columns, temperature }: TokenStatisticsReferenceInput,
): TokenStatisticsReferenceOutput {
  const rows = targets.length;
  const [logProb, entropy, logZ, topProbability] = [0, 0, 0, 0].map(() => new Float64Array(rows));
  for (let row = 0; row < rows; row++) {
    const z = (column: number) => logits[row * columns + column]! / temperature;
    let max = -Infinity;
    for (let column = 0; column < columns; column++) max = Math.max(max, z(column));
    let [s, t] = [0, 0];
    for (let column = 0; column < columns; column++) {
      const distance = z(column) - max;
      if (distance === -Infinity) continue;
      s += Math.exp(distance);
      t += distance * Math.exp(distance);
    }
    logProb![row] = z(targets[row]!) - max - Math.log(s);
    entropy![row] = Math.log(s) - t / s;
    logZ![row] = max + Math.log(s);
    topProbability![row] = 1 / s;
  }
  return {
    logProb: logProb!,
    entropy: entropy!,
    logZ: logZ!,
    topProbability: topProbability!,
  };
}
