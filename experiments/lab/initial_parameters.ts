import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { type ModelConfig, parameterShapes } from "./families.ts";
import { type RandomGenerator, seededRandom } from "./tasks/random.ts";

/** The layers that write to the residual stream, two in each layer. */
const RESIDUAL = /\.(?:o_proj|down_proj)\.weight$/;

/**
 * Draws the parameters of an untrained model, row-major, in the order of {@linkcode parameterShapes}: the
 * weights of norms are 1, biases 0, all else is normal with the configuration's `initializer_range` as
 * standard deviation, times 1 / √(2 L) for the 2 L projections that add to the residual stream of L layers,
 * as in GPT-2.
 *
 * @param seed A whole number; its lower 32 bits count.
 */
export function initialParameters(
  config: ModelConfig,
  seed: number,
): Record<string, Float32Array<ArrayBuffer>> {
  const random = seededRandom(seed);
  const residualScale = 1 / Math.sqrt(2 * config.num_hidden_layers);
  const parameters: Record<string, Float32Array<ArrayBuffer>> = {};
  for (const [name, shape] of Object.entries(parameterShapes(config))) {
    const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    if (name.endsWith("norm.weight")) values.fill(1);
    else if (!name.endsWith(".bias")) {
      const scale = RESIDUAL.test(name) ? residualScale : 1;
      fillNormal(values, scale * config.initializer_range, random);
    }
    parameters[name] = values;
  }
  return parameters;
}

/** Two independent normal numbers from two uniform ones (Box and Muller 1958). */
function fillNormal(values: Float32Array, deviation: number, random: RandomGenerator): void {
  for (let i = 0; i < values.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)));
    const angle = 2 * Math.PI * uniformFloat64(random);
    values[i] = radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
  }
}
