/** What {@linkcode matmulReference} multiplies; matrices are row-major. */
export interface MatmulReferenceInput {
  /** A, m·k elements, or k·m with `transposeA`. */
  readonly a: ArrayLike<number>;
  /** B, k·n elements, or n·k with `transposeB`. */
  readonly b: ArrayLike<number>;
  /** Rows of the result. */
  readonly m: number;
  /** Columns of the result. */
  readonly n: number;
  /** Inner dimension. */
  readonly k: number;
  /** Use Aᵀ. */
  readonly transposeA?: boolean;
  /** Use Bᵀ. */
  readonly transposeB?: boolean;
  /** Added to every row. */
  readonly bias?: ArrayLike<number>;
  /** Added to the result, m·n elements. */
  readonly start?: ArrayLike<number>;
}

/** The matrix product in float64, the definition that matmul.wgsl is held to. */
export function matmulReference(input: MatmulReferenceInput): Float64Array {
  const { a, b, m, n, k, transposeA, transposeB, bias, start } = input;
  const out = new Float64Array(m * n);
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let sum = (bias?.[column] ?? 0) + (start?.[row * n + column] ?? 0);
      for (let i = 0; i < k; i++) {
        sum += a[transposeA ? i * m + row : row * k + i]! *
          b[transposeB ? column * k + i : i * n + column]!;
      }
      out[row * n + column] = sum;
    }
  }
  return out;
}
