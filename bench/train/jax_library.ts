import * as jax from "@jax-js/jax";
import { nn, numpy } from "@jax-js/jax";
import { type ModelConfig, parameterShapes } from "../../experiments/lab/families.ts";
import { ropeSettings } from "../../experiments/lab/policy/rope_settings.ts";
import { ropeFrequencies } from "../../kernels/transformer/rope_table.ts";
import { clock, type Library } from "../library.ts";
import { openJaxDevice } from "../peers_jax.ts";
import { decoder, type DecoderInputs, type Parameters } from "./jax_decoder.ts";
import { OPTIMIZER, type TrainingWork } from "./training_problem.ts";

/** A score that is as good as −∞ and makes no NaN. */
const MASKED = -1e30;

/** What an update reads beside its state. */
interface Inputs extends DecoderInputs {
  /** The next tokens one-hot, [B·T, V]. */
  readonly targets: jax.Array;
  /** The gradient with respect to each log-probability, [B·T]; 0 within prompts. */
  readonly weights: jax.Array;
}

/** What an update changes. */
type State = {
  readonly parameters: Parameters;
  readonly firstMoments: Parameters;
  readonly secondMoments: Parameters;
  /** β1 and β2 to the number of updates so far. */
  readonly powers: { readonly first: jax.Array; readonly second: jax.Array };
};

/**
 * The same updates in jax-js: one function under `jit` from state to state, gradients by `valueAndGrad`.
 *
 * @throws {Error} if it finds no WebGPU device.
 */
export async function jaxLibrary(): Promise<Library<TrainingWork>> {
  const device = await openJaxDevice();
  return {
    adapter: device.adapterInfo.description,
    destroy: () => device.destroy(),
    prepare({ work }) {
      const inputs = inputsOf(work);
      const compiled = jax.jit(updateOf(work));
      const call = (state: State) => compiled(state, jax.tree.ref(inputs)) as [jax.Array, State];
      let state = initialState(work);
      return {
        async time(calls) {
          const byClock = await clock(calls, async (calls) => {
            for (let i = 0; i < calls; i++) {
              const [loss, next] = call(state);
              loss.dispose();
              state = next;
            }
            // Calls are lazy: without this they are not even submitted.
            await jax.blockUntilReady(state);
            await device.queue.onSubmittedWorkDone();
          });
          return { clock: byClock, gpu: undefined };
        },
        async results() {
          const [loss, { parameters, firstMoments, secondMoments, powers }] = call(
            initialState(work),
          );
          jax.tree.dispose([secondMoments, powers]);
          const names = Object.keys(work.parameters);
          return await Promise.all([
            loss.data(),
            ...names.map((name) => firstMoments[name]!.data()),
            ...names.map((name) => parameters[name]!.data()),
          ]);
        },
        destroy() {
          compiled.dispose();
          jax.tree.dispose([state, inputs]);
        },
      };
    },
  };
}

/** The loss to be minimized, whose gradient is taken. */
function lossOf({ config, sequences, promptTokens, responseTokens }: TrainingWork) {
  const extents = { rows: sequences.length, columns: promptTokens + responseTokens - 1 };
  return (parameters: Parameters, { targets, weights, ...inputs }: Inputs): jax.Array => {
    const logits = decoder(config, extents, parameters, inputs);
    const chosen = numpy.sum(logits.ref.mul(targets), -1);
    return numpy.sum(chosen.sub(nn.logsumexp(logits, -1)).mul(weights));
  };
}

/** An update: loss and new state from state and inputs. */
function updateOf(work: TrainingWork) {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = OPTIMIZER;
  const gradient = jax.valueAndGrad(lossOf(work));
  return (state: State, inputs: Inputs): [jax.Array, State] => {
    const [loss, gradients] = gradient(jax.tree.ref(state.parameters), inputs) as unknown as [
      jax.Array,
      Parameters,
    ];
    const first = state.powers.first.mul(beta1);
    const second = state.powers.second.mul(beta2);
    // Scalars of the whole update, and each array's part of it.
    const rate = numpy.array(learningRate).div(numpy.array(1).sub(first.ref));
    const scale = numpy.sqrt(numpy.array(1).sub(second.ref));
    const parameters: Parameters = {};
    const firstMoments: Parameters = {};
    const secondMoments: Parameters = {};
    for (const [name, parameter] of Object.entries(state.parameters)) {
      const own = gradients[name]!;
      const mean = state.firstMoments[name]!.mul(beta1).add(own.ref.mul(1 - beta1));
      const square = state.secondMoments[name]!.mul(beta2)
        .add(numpy.square(own).mul(1 - beta2));
      const change = mean.ref.mul(rate.ref).div(numpy.sqrt(square.ref).div(scale.ref).add(epsilon));
      parameters[name] = parameter.mul(1 - learningRate * weightDecay).sub(change);
      firstMoments[name] = mean;
      secondMoments[name] = square;
    }
    rate.dispose();
    scale.dispose();
    return [loss, { parameters, firstMoments, secondMoments, powers: { first, second } }];
  };
}

function initialState({ config, parameters }: TrainingWork): State {
  const shapes = parameterShapes(config);
  const each = (make: (name: string, shape: number[]) => jax.Array): Parameters =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, make(name, [...shape])]),
    );
  const zeros = () => each((_, shape) => numpy.zeros(shape));
  return {
    parameters: each((name, shape) => numpy.array(parameters[name]!, { shape })),
    firstMoments: zeros(),
    secondMoments: zeros(),
    powers: { first: numpy.array(1), second: numpy.array(1) },
  };
}

function inputsOf({ config, sequences, promptTokens, responseTokens, gradLogProb }: TrainingWork) {
  const columns = promptTokens + responseTokens - 1;
  const count = sequences.length * columns;
  const tokens = sequences.flatMap(({ prompt, response }) => {
    const all = [...Array.from(prompt), ...Array.from(response)];
    return all.slice(0, -1).map((token, i) => ({ token, next: all[i + 1]! }));
  });
  const oneHot = (chosen: (i: number) => number): jax.Array => {
    const values = new Float32Array(count * config.vocab_size);
    for (let i = 0; i < count; i++) values[i * config.vocab_size + chosen(i)] = 1;
    return numpy.array(values, { shape: [count, config.vocab_size] });
  };
  const weights = new Float32Array(count);
  for (const [i, weight] of gradLogProb.entries()) {
    const row = Math.floor(i / responseTokens);
    weights[row * columns + promptTokens - 1 + i % responseTokens] = weight;
  }
  return {
    tokens: oneHot((i) => tokens[i]!.token),
    targets: oneHot((i) => tokens[i]!.next),
    weights: numpy.array(weights),
    ...tablesOf(config, columns),
  };
}

/** The rotary embedding's table and the mask of attention. */
function tablesOf(config: ModelConfig, columns: number) {
  const frequencies = ropeFrequencies(ropeSettings(config));
  const angles = Array.from(
    { length: columns },
    (_, position) =>
      [-1, 1].flatMap((sign) =>
        Array.from(frequencies, (frequency) => ({ sign, angle: position * frequency }))
      ),
  ).flat();
  const shape = [columns, 1, 2, frequencies.length];
  const window = config.sliding_window ?? Infinity;
  const mask = Float32Array.from({ length: columns ** 2 }, (_, i) => {
    const [query, key] = [Math.floor(i / columns), i % columns];
    return key <= query && query - key < window ? 0 : MASKED;
  });
  return {
    cosines: numpy.array(Float32Array.from(angles, ({ angle }) => Math.cos(angle)), { shape }),
    sines: numpy.array(
      Float32Array.from(angles, ({ sign, angle }) => sign * Math.sin(angle)),
      { shape },
    ),
    mask: numpy.array(mask, { shape: [columns, columns] }),
  };
}
