/** What the tests of the transformer's kernels share. */
import assert from "node:assert/strict";
import { Tally } from "../../../kernels/conformance/check.ts";
import { numericalGradient } from "../../../kernels/conformance/numerical_gradient.ts";
import { ShapeError } from "../../../kernels/runtime/errors.ts";
import { Gpu } from "../../../kernels/runtime/gpu.ts";

/** Runs cases of a conformance check, none of which may fail, and returns what they give. */
export async function passing<Result>(
  cases: (tally: Tally) => Promise<Result>,
): Promise<Result> {
  const tally = new Tally("test");
  const result = await cases(tally);
  assert.deepEqual(tally.result().failures, []);
  return result;
}

/** A reference's gradient is that of central differences, to 1e-6 of its largest element. */
export function assertGradient(
  name: string,
  gradient: ArrayLike<number>,
  objective: (at: Float64Array) => number,
  at: ArrayLike<number>,
): void {
  const expected = numericalGradient(objective, Float64Array.from(at));
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (const [i, value] of expected.entries()) {
    assert(
      Math.abs(gradient[i]! - value) <= 1e-6 * scale,
      `${name}: element ${i} is ${gradient[i]}, differences give ${value}`,
    );
  }
}

/** Σ a·b, which has the gradient b with respect to a. */
export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** A call is refused with one sentence that matches. */
export function assertRefused(body: () => void, message: RegExp): void {
  assert.throws(body, (error) => {
    assert(error instanceof ShapeError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

/** The same device with smaller bindings, so that small tensors are split over rows. */
export function withSmallBindings(gpu: Gpu, bytes: number): Gpu {
  const limits = overriding(gpu.device.limits, { maxStorageBufferBindingSize: bytes });
  return new Gpu(overriding(gpu.device, { limits }), gpu.adapter);
}

/** The same device with the tile sizes of hardware. */
export function withHardwareTiles(gpu: Gpu): Gpu {
  return new Gpu(gpu.device, { ...gpu.adapter, kind: "hardware" });
}

function overriding<Target extends object>(target: Target, values: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, key) {
      if (key in values) return Reflect.get(values, key);
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
