import { type ModelConfig, parameterShapes } from "../../experiments/lab/families.ts";
import { ropeSettings } from "../../experiments/lab/policy/rope_settings.ts";
import { ropeFrequencies } from "../../kernels/transformer/rope_table.ts";
import type { AdapterInfo } from "../../kernels/runtime/adapter.ts";
import type { Library } from "../library.ts";
import { type TorchArray, torchLibrary, type TorchWork } from "../peers_torch.ts";
import { OPTIMIZER, type TrainingWork } from "./training_problem.ts";

/**
 * The same updates in PyTorch, eager; see {@linkcode torchLibrary}.
 *
 * @throws {NotInstalledError} if no python3 finds it.
 */
export async function torchUpdates(
  adapter: AdapterInfo,
): Promise<Library<TrainingWork> | undefined> {
  return await torchLibrary(adapter, torchWork);
}

function torchWork(work: TrainingWork): TorchWork {
  const { config, parameters, sequences, promptTokens, responseTokens, gradLogProb } = work;
  const rows = sequences.length;
  const columns = promptTokens + responseTokens - 1;
  // The last token of a sequence is only predicted.
  const tokens = sequences.flatMap(({ prompt, response }) =>
    [...Array.from(prompt), ...Array.from(response)].slice(0, columns)
  );
  const targets = sequences.flatMap(({ response }) => Array.from(response));
  const shapes = parameterShapes(config);
  return {
    kind: "update",
    settings: {
      layers: config.num_hidden_layers,
      queryHeads: config.num_attention_heads,
      keyHeads: config.num_key_value_heads,
      epsilon: config.rms_norm_eps,
      optimizer: OPTIMIZER,
    },
    arrays: {
      ...Object.fromEntries(
        Object.entries(parameters).map(([name, values]): [string, TorchArray] => [
          name,
          { values: Float32Array.from(values), shape: shapes[name]! },
        ]),
      ),
      tokens: { values: BigInt64Array.from(tokens, BigInt), shape: [rows, columns] },
      targets: { values: BigInt64Array.from(targets, BigInt), shape: [rows, responseTokens] },
      weights: { values: gradLogProb, shape: [rows, responseTokens] },
      ...tablesOf(config, columns),
    },
  };
}

/** The rotary embedding's tables, [T, h], and the mask of attention, [T, T]. */
function tablesOf(config: ModelConfig, columns: number): Record<string, TorchArray> {
  const frequencies = ropeFrequencies(ropeSettings(config));
  const angles = Array.from(
    { length: columns },
    (_, position) => [...frequencies, ...frequencies].map((frequency) => position * frequency),
  ).flat();
  const shape = [columns, 2 * frequencies.length];
  const window = config.sliding_window ?? Infinity;
  const mask = Float32Array.from({ length: columns ** 2 }, (_, i) => {
    const [query, key] = [Math.floor(i / columns), i % columns];
    return key <= query && query - key < window ? 0 : -Infinity;
  });
  return {
    cosines: { values: Float32Array.from(angles, Math.cos), shape },
    sines: { values: Float32Array.from(angles, Math.sin), shape },
    mask: { values: mask, shape: [columns, columns] },
  };
}
