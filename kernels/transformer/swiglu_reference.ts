/** Gradients of {@linkcode swigluReference}. */
export interface SwigluReferenceGradients {
  /** With respect to the gate. */
  readonly gradGate: Float64Array;
  /** With respect to the other input. */
  readonly gradUp: Float64Array;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** silu(gate)·up in float64, the definition that swiglu.wgsl is held to. */
export function swigluReference(gate: ArrayLike<number>, up: ArrayLike<number>): Float64Array {
  return Float64Array.from(gate, (x, i) => x * sigmoid(x) * up[i]!);
}

/** Its gradients, from the gradient with respect to the result. */
export function swigluBackwardReference(
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
  gradOut: ArrayLike<number>,
): SwigluReferenceGradients {
  return {
    gradGate: Float64Array.from(
      gate,
      (x, i) => gradOut[i]! * up[i]! * sigmoid(x) * (1 + x * sigmoid(-x)),
    ),
    gradUp: Float64Array.from(gate, (x, i) => gradOut[i]! * x * sigmoid(x)),
  };
}
