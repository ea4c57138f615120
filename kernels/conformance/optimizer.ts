import { adamw, type AdamWSettings } from "../optimizer/adamw.ts";
import { adamwReference } from "../optimizer/adamw_reference.ts";
import { gradientNorm, readGradientNorm } from "../optimizer/gradient_norm.ts";
import { gradientNormReference } from "../optimizer/gradient_norm_reference.ts";
import { asFloat32, type Check, ulp } from "./check.ts";
import { RandomData } from "./random_data.ts";

/** {@linkcode gradientNorm} over tensors of odd sizes, clipping or not, and with NaN or infinity. */
export const gradientNormCheck: Check = {
  name: "gradient-norm",
  async run(gpu, tally) {
    const random = new RandomData(11);
    for (const sizes of [[1], [3, 17], [255, 1, 4099], [50257, 257, 2]]) {
      for (const maxNorm of [0.5, Infinity]) {
        const gradients = sizes.map((size) => random.normal(size));
        const tensors = gradients.map((values) => gpu.tensor(values));
        using out = gpu.empty([2]);
        const recorder = gpu.record("gradient norm");
        gradientNorm(recorder, { gradients: tensors, maxNorm, out });
        const [words] = await recorder.read(out);
        const actual = readGradientNorm(words);
        for (const tensor of tensors) tensor.destroy();
        const { norm, scale } = gradientNormReference(gradients, maxNorm);
        const plain = Math.fround(Math.sqrt(
          gradients.flatMap((values) => Array.from(values))
            .reduce((sum, value) => Math.fround(sum + Math.fround(value * value)), 0),
        ));
        const label = `${sizes} elements, at most ${maxNorm}`;
        tally.near(`norm of ${label}`, [actual.norm], [norm], asFloat32([norm], [plain]));
        tally.near(
          `scale of ${label}`,
          [actual.scale],
          [scale],
          scale === 1 ? 0 : asFloat32([scale], [Math.fround(maxNorm / (plain + 1e-6))]),
        );
        for (const value of [NaN, Infinity, -Infinity]) {
          gradients.at(-1)![0] = value;
          const spoilt = gradients.map((values) => gpu.tensor(values));
          const recorder = gpu.record("gradient norm");
          gradientNorm(recorder, { gradients: spoilt, maxNorm, out });
          const [read] = await recorder.read(out);
          for (const tensor of spoilt) tensor.destroy();
          const { norm, scale } = gradientNormReference(gradients, maxNorm);
          tally.same(`norm and scale of ${label} with ${value}`, read, [norm, scale]);
        }
      }
    }
  },
};

const SETTINGS: AdamWSettings = {
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.1,
};

/** {@linkcode adamw} over several steps, clipping, and gradients that are not finite. */
export const adamwCheck: Check = {
  name: "adamw",
  async run(gpu, tally) {
    const random = new RandomData(12);
    for (const size of [1, 3, 17, 257, 4099]) {
      const start = random.normal(size);
      const expected = {
        parameter: Float64Array.from(start),
        firstMoment: new Float64Array(size),
        secondMoment: new Float64Array(size),
      };
      using parameter = gpu.tensor(start);
      using firstMoment = gpu.zeros([size]);
      using secondMoment = gpu.zeros([size]);
      using norm = gpu.empty([2]);
      for (let step = 1; step <= 3; step++) {
        const values = random.normal(size);
        using gradient = gpu.tensor(values);
        const recorder = gpu.record("adamw");
        gradientNorm(recorder, { gradients: [gradient], maxNorm: 1, out: norm });
        const state = { parameter, gradient, firstMoment, secondMoment };
        adamw(recorder, { ...state, norm, settings: SETTINGS, step });
        const [moved, first, second] = await recorder.read(parameter, firstMoment, secondMoment);
        const { scale } = gradientNormReference([values], 1);
        const clipped = values.map((value) => value * scale);
        adamwReference({ ...expected, gradient: clipped, settings: SETTINGS, step });
        const label = `step ${step} of ${size} elements`;
        // A step is at most about the learning rate, and rounded to the parameter.
        tally.near(`parameter after ${label}`, moved, expected.parameter, 8 * ulp(1));
        tally.near(`first moment after ${label}`, first, expected.firstMoment, 8 * ulp(0.5));
        tally.near(`second moment after ${label}`, second, expected.secondMoment, 8 * ulp(0.01));
      }
      for (const spoiled of [NaN, Infinity]) {
        using gradient = gpu.tensor(new Float32Array(size).fill(spoiled));
        const recorder = gpu.record("adamw");
        gradientNorm(recorder, { gradients: [gradient], maxNorm: 1, out: norm });
        const state = { parameter, gradient, firstMoment, secondMoment };
        const before = await gpu.read(parameter);
        adamw(recorder, { ...state, norm, settings: SETTINGS, step: 4 });
        const [after] = await recorder.read(parameter);
        tally.same(`a gradient of ${spoiled} changes nothing, ${size} elements`, after, before);
      }
    }
  },
};
