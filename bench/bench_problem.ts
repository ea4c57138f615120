import { RandomData } from "../kernels/conformance/random_data.ts";

/** Rows of logits with what their statistics and gradients need. */
export interface LogitsInput {
  /** N. */
  readonly rows: number;
  /** V. */
  readonly columns: number;
  /** [N, V]. */
  readonly logits: Float32Array<ArrayBuffer>;
  /** [N], each from 0 to V − 1. */
  readonly targets: Uint32Array<ArrayBuffer>;
  /** Gradient with respect to the log-probabilities, [N]. */
  readonly gradLogProb: Float32Array<ArrayBuffer>;
  /** Gradient with respect to the entropies, [N]. */
  readonly gradEntropy: Float32Array<ArrayBuffer>;
}

/** Two square matrices. */
export interface MatricesInput {
  /** Rows and columns of each. */
  readonly size: number;
  /** [size, size]. */
  readonly a: Float32Array<ArrayBuffer>;
  /** [size, size]. */
  readonly b: Float32Array<ArrayBuffer>;
}

/** A batch of B responses of T tokens, each array [B, T]. */
export interface TokensInput {
  /** B. */
  readonly rows: number;
  /** T. */
  readonly columns: number;
  /** Log-probabilities of the current policy. */
  readonly logProb: Float32Array<ArrayBuffer>;
  /** Log-probabilities of the rollout policy. */
  readonly oldLogProb: Float32Array<ArrayBuffer>;
  /** Advantages. */
  readonly advantages: Float32Array<ArrayBuffer>;
  /** Stands for the covariances, so that the selection is timed alone. */
  readonly covariance: Float32Array<ArrayBuffer>;
  /** 1 for response tokens, 0 for padding. */
  readonly mask: Uint32Array<ArrayBuffer>;
}

/** The work of a problem and its inputs. */
export type Work =
  | { readonly kind: "copy"; readonly by: "command" | "shader"; readonly elements: number }
  | { readonly kind: "token-statistics"; readonly input: LogitsInput }
  | { readonly kind: "token-statistics-backward"; readonly input: LogitsInput }
  | { readonly kind: "matmul"; readonly input: MatricesInput }
  | { readonly kind: "selection"; readonly input: TokensInput; readonly count: number }
  | { readonly kind: "covariance"; readonly input: TokensInput }
  | { readonly kind: "policy-loss"; readonly input: TokensInput };

/** One thing to time. */
export interface Problem<W = Work> {
  /** Its name in the results. */
  readonly name: string;
  /** Its size, for people. */
  readonly size: string;
  /** What `amount` counts, per second. */
  readonly unit: "GB/s" | "GFLOP/s" | "tokens/s";
  /** How much one call does. */
  readonly amount: number;
  /** Bytes that one call must read and write if nothing is cached; null where arithmetic is the limit. */
  readonly bytes: number | null;
  /** The work. */
  readonly work: W;
}

/** How large the problems are. */
export interface Sizes {
  /** Elements of the copied buffer. */
  readonly copy: number;
  /** Rows and columns of the logits. */
  readonly logits: readonly (readonly [number, number])[];
  /** Responses and tokens of each. */
  readonly tokens: readonly [number, number];
}

/** For software adapters and small GPUs: tens of milliseconds a call at 10 GB/s. */
export const SMALL: Sizes = {
  copy: 1 << 24,
  logits: [[65_536, 64], [512, 32_768], [64, 151_936]],
  tokens: [1_000, 1_000],
};

/** For GPUs with memory of their own: far more than their caches hold. */
export const LARGE: Sizes = {
  copy: 1 << 26,
  logits: [[1_048_576, 64], [2_048, 32_768], [512, 151_936]],
  tokens: [16_000, 1_000],
};

const SELECTED_SHARE = 0.002;

/** The two ways of copying a buffer of f32; the faster is the roof of all that reads and writes. */
export function copyProblems(elements: number): Problem[] {
  const bytes = 8 * elements;
  const size = `${4 * elements / 2 ** 20} MiB`;
  return (["command", "shader"] as const).map((by) => ({
    name: "copy",
    size,
    unit: "GB/s",
    amount: bytes / 1e9,
    bytes,
    work: { kind: "copy", by, elements },
  }));
}

/**
 * Everything that is timed. What counts as a call and as its bytes:
 *
 * - `copy`: bytes read and written.
 * - `token-statistics`: log-probability, entropy and log Z of each row; the logits are read once. The
 *   rate is in bytes of logits.
 * - `token-statistics-backward`: the forward and the gradient with respect to the logits, as automatic
 *   differentiation does both; the logits are read twice and the gradient is written. The rate is in bytes
 *   of logits.
 * - `matmul`: 2·n³ operations; no share of the roof.
 * - `selection`: the tokens of highest covariance, marked; covariance and mask are read, the marks are
 *   written.
 * - `covariance`: log-probability, advantage and mask are read twice, since the means come first; the
 *   covariance is written.
 * - `policy-loss`: plain PPO, the loss and its gradient; log-probabilities new and old, advantage and mask
 *   are read, the gradient is written.
 */
export function problems({ copy, logits, tokens }: Sizes): Problem[] {
  const random = new RandomData(1);
  const normal = random.normal(1_000_003, 3);
  return [
    ...copyProblems(copy),
    ...logits.flatMap(([rows, columns]) => logitsProblems(random, normal, rows, columns)),
    ...[256, 1024].map((size) => matmulProblem(size, normal)),
    ...tokenProblems(random, normal, ...tokens),
  ];
}

function logitsProblems(
  random: RandomData,
  normal: Float32Array<ArrayBuffer>,
  rows: number,
  columns: number,
): Problem[] {
  const bytes = 4 * rows * columns;
  const input: LogitsInput = {
    rows,
    columns,
    logits: repeated(normal, rows * columns),
    targets: random.integers(rows, columns),
    gradLogProb: repeated(normal, rows, 1),
    gradEntropy: repeated(normal, rows, 2),
  };
  const common = { size: `${rows}×${columns}`, unit: "GB/s", amount: bytes / 1e9 } as const;
  return [
    {
      ...common,
      name: "token-statistics",
      bytes,
      work: { kind: "token-statistics", input },
    },
    {
      ...common,
      name: "token-statistics-backward",
      bytes: 3 * bytes,
      work: { kind: "token-statistics-backward", input },
    },
  ];
}

/**
 * The product of two square matrices.
 *
 * @param normal Numbers to fill them with, over and over.
 */
export function matmulProblem(
  size: number,
  normal: Float32Array<ArrayBuffer> = new RandomData(1).normal(100_003, 3),
): Problem {
  const input = { size, a: repeated(normal, size ** 2), b: repeated(normal, size ** 2, 7) };
  return {
    name: `matmul-${size}`,
    size: `${size}×${size}×${size}`,
    unit: "GFLOP/s",
    amount: 2 * size ** 3 / 1e9,
    bytes: null,
    work: { kind: "matmul", input },
  };
}

function tokenProblems(
  random: RandomData,
  normal: Float32Array<ArrayBuffer>,
  rows: number,
  columns: number,
): Problem[] {
  const size = rows * columns;
  const logProb = repeated(normal, size).map((value) => -Math.abs(value));
  const input: TokensInput = {
    rows,
    columns,
    logProb,
    oldLogProb: repeated(normal, size, 3).map((value, i) => logProb[i]! + 0.1 * value),
    advantages: repeated(normal, size, 4),
    covariance: repeated(normal, size, 5),
    mask: random.mask(size),
  };
  const count = SELECTED_SHARE * size;
  const common = { unit: "tokens/s", amount: size } as const;
  return [
    {
      ...common,
      name: "selection",
      size: `${count} of ${size}`,
      bytes: 12 * size,
      work: { kind: "selection", input, count },
    },
    {
      ...common,
      name: "covariance",
      size: `${size}`,
      bytes: 28 * size,
      work: { kind: "covariance", input },
    },
    {
      ...common,
      name: "policy-loss",
      size: `${rows}×${columns}`,
      bytes: 20 * size,
      work: { kind: "policy-loss", input },
    },
  ];
}

/** As many values as asked for, from some offset on, over and over: drawing them all would take longer than the bench. */
function repeated(
  values: Float32Array<ArrayBuffer>,
  size: number,
  offset = 0,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(size);
  let source = offset * 1_009 % values.length;
  for (let at = 0; at < size;) {
    const part = values.subarray(source, source + size - at);
    result.set(part, at);
    at += part.length;
    source = 0;
  }
  return result;
}
