/** Rows to normalize. */
export interface RmsNormReferenceInput {
  /** The rows, N·D elements. */
  readonly x: ArrayLike<number>;
  /** Multiplies each column, D elements. */
  readonly weight: ArrayLike<number>;
  /** Added to the mean square. */
  readonly epsilon: number;
}

/** Gradients of {@linkcode rmsNormReference}. */
export interface RmsNormReferenceGradients {
  /** With respect to the rows. */
  readonly gradX: Float64Array;
  /** With respect to the weight. */
  readonly gradWeight: Float64Array;
}

/** One over the root mean square of each row. */
function inverseRms({ x, weight, epsilon }: RmsNormReferenceInput): Float64Array {
  const columns = weight.length;
  return Float64Array.from({ length: x.length / columns }, (_, row) => {
    let squares = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) squares += x[i]! ** 2;
    return 1 / Math.sqrt(squares / columns + epsilon);
  });
}

/** RMS norm in float64, the definition that rms_norm.wgsl is held to. */
export function rmsNormReference(input: RmsNormReferenceInput): Float64Array {
  const r = inverseRms(input);
  const columns = input.weight.length;
  return Float64Array.from(
    input.x,
    (x, i) => x * r[Math.floor(i / columns)]! * input.weight[i % columns]!,
  );
}

/** Its gradients, from the gradient with respect to the result. */
export function rmsNormBackwardReference(
  input: RmsNormReferenceInput,
  gradOut: ArrayLike<number>,
): RmsNormReferenceGradients {
  const { x, weight } = input;
  const columns = weight.length;
  const gradX = new Float64Array(x.length);
  const gradWeight = new Float64Array(columns);
  for (const [row, r] of inverseRms(input).entries()) {
    const first = row * columns;
    let product = 0;
    for (let c = 0; c < columns; c++) product += gradOut[first + c]! * weight[c]! * x[first + c]!;
    for (let c = 0; c < columns; c++) {
      const i = first + c;
      gradX[i] = r * (gradOut[i]! * weight[c]! - x[i]! * r * r * (product / columns));
      gradWeight[c]! += gradOut[i]! * x[i]! * r;
    }
  }
  return { gradX, gradWeight };
}
