import { LOWEST_TEMPERATURE } from "../../kernels/mod.ts";
import { LabError } from "./errors.ts";

/** The problems of a step are drawn with the seed `seed · STEPS_PER_SEED + step`. */
export const STEPS_PER_SEED = 2 ** 20;

/** The draws of Clip-Cov are told apart by the 32-bit number `step · minibatches + minibatch`. */
const MOST_MINIBATCHES = 2 ** 32 / STEPS_PER_SEED - 1;

interface BoundedSettings {
  readonly steps: number;
  readonly minibatches: number;
  readonly temperature: number;
  readonly covarianceLow: number;
  readonly covarianceHigh: number;
}

/**
 * Checks what settings can be beyond their types, whatever the adapter.
 *
 * @throws {LabError} naming the first setting that is out of its bounds, with the bound and the reason for it.
 */
export function expectWithinBounds(settings: BoundedSettings): void {
  const { steps, minibatches, temperature, covarianceLow, covarianceHigh } = settings;
  const check = (isWithin: boolean, name: keyof BoundedSettings, expected: string) => {
    if (!isWithin) throw new LabError(`${name} is ${settings[name]}, expected ${expected}.`);
  };
  check(
    steps < STEPS_PER_SEED,
    "steps",
    `at most ${STEPS_PER_SEED - 1}, since more would meet the problems of the next seed`,
  );
  check(
    minibatches <= MOST_MINIBATCHES,
    "minibatches",
    `at most ${MOST_MINIBATCHES}, since the random numbers of updates are told apart by 32 bits`,
  );
  check(temperature >= LOWEST_TEMPERATURE, "temperature", temperatureBound);
  check(
    covarianceLow < covarianceHigh,
    "covarianceLow",
    `less than covarianceHigh, ${covarianceHigh}`,
  );
}

/** What a temperature can be, as a sentence is to end. */
export const temperatureBound =
  `at least ${LOWEST_TEMPERATURE}, since logits over a smaller one pass the range of float32`;
