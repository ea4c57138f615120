import type { UpstreamGradients } from "../softmax/token_statistics_backward_reference.ts";
import type {
  TokenStatisticsReferenceInput,
  TokenStatisticsReferenceOutput,
} from "../softmax/token_statistics_reference.ts";

const round = Math.fround;

/** Token statistics as one would write them in float32 on the CPU, every operation rounded. */
export function plainTokenStatistics(
  { logits, targets, columns, temperature }: TokenStatisticsReferenceInput,
): TokenStatisticsReferenceOutput {
  const rows = targets.length;
  const out = [0, 0, 0, 0].map(() => new Float64Array(rows));
  const [logProb, entropy, logZ, topProbability] = out as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let row = 0; row < rows; row++) {
    const z = (column: number) => round(logits[row * columns + column]! / temperature);
    let max = -Infinity;
    for (let column = 0; column < columns; column++) max = Math.max(max, z(column));
    let [s, t] = [0, 0];
    for (let column = 0; column < columns; column++) {
      const distance = round(z(column) - max);
      if (distance === -Infinity) continue;
      const e = round(Math.exp(distance));
      s = round(s + e);
      t = round(t + round(distance * e));
    }
    const logS = round(Math.log(s));
    logZ[row] = round(max + logS);
    logProb[row] = round(round(z(targets[row]!) - max) - logS);
    entropy[row] = round(logS - round(t / s));
    topProbability[row] = round(1 / s);
  }
  return { logProb, entropy, logZ, topProbability };
}

/** The gradient with respect to the logits likewise. */
export function plainTokenStatisticsBackward(
  input: TokenStatisticsReferenceInput,
  { gradLogProb, gradEntropy }: UpstreamGradients,
): Float64Array {
  const { logits, targets, columns, temperature } = input;
  const { entropy, logZ } = plainTokenStatistics(input);
  return Float64Array.from(logits, (logit, i) => {
    const row = Math.floor(i / columns);
    const logP = round(round(logit / temperature) - logZ[row]!);
    const p = round(Math.exp(logP));
    const isTarget = i - row * columns === targets[row] ? 1 : 0;
    const fromEntropy = p === 0 ? 0 : round(p * round(logP + entropy[row]!));
    return round(
      round(
        round(gradLogProb[row]! * round(isTarget - p)) - round(gradEntropy[row]! * fromEntropy),
      ) / temperature,
    );
  });
}
