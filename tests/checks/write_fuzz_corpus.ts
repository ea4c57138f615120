/**
 * Writes the corpus of deno task fuzz anew, by the writers that the readers are tested with:
 * deno run --allow-read --allow-write tests/checks/write_fuzz_corpus.ts
 *
 * What lies in a folder named `found` is an input that was mended once, and is left alone.
 */
import { join } from "node:path";
import { writeCheckpoint } from "../../experiments/lab/checkpoint.ts";
import { type ModelConfig, modelConfig, parameterShapes } from "../../experiments/lab/families.ts";
import { initialParameters } from "../../experiments/lab/initial_parameters.ts";
import { writeSafetensors } from "../../formats/safetensors.ts";
import { CORPUS_FOLDER } from "../../checks/fuzz/corpus.ts";
import * as logs from "../analysis/readers/write_logs.ts";
import * as dumps from "../analysis/tokens/write_dumps.ts";

const STEPS = Array.from({ length: 8 }, (_, i) => i + 1);
const entropyAt = (step: number) => Number((0.6 * Math.exp(-step / 3)).toFixed(4));
const scoreAt = (step: number) =>
  Number((0.5 - 0.2 * entropyAt(step) + 0.01 * (step % 3)).toFixed(4));

const VERL = STEPS.map((step) => ({
  step,
  values: {
    "actor/entropy": entropyAt(step),
    "actor/grad_norm": 0.1 * step,
    "critic/score/mean": scoreAt(step),
    "val-core/math/acc/mean@1": scoreAt(step),
    "response_length/mean": 100 + step,
  },
}));
const TRL = STEPS.map((step) => ({
  step,
  values: {
    entropy: entropyAt(step),
    reward: scoreAt(step),
    loss: -0.01,
    "clip_ratio/region_mean": 0,
  },
}));
const TABLE = STEPS.map((step) => ({
  step,
  values: { entropy: entropyAt(step), accuracy: scoreAt(step) },
}));
const PYTHON = `{'actor': {'lr': 1e-06, 'names': ['a', "b\\n"], 'on': True, 'none': None},
 'trainer': {'project': 'p', 'experiment_name': 'e'}}\n`;

const READERS: Record<string, string | Uint8Array> = {
  "verl.log": PYTHON + logs.verlConsole(VERL),
  "verl.container.log": logs.verlConsole(VERL.slice(0, 5)).trim().split("\n")
    .map((log) => JSON.stringify({ log: log + "\n", stream: "stdout" }) + "\n").join(""),
  "verl.jsonl": logs.verlJsonl(VERL),
  "run_log.jsonl": logs.runLog(VERL, { seed: 1, configuration: { model: "m" } }),
  "trainer_state.json": logs.trainerState(TRL),
  "ms_swift.jsonl": logs.msSwift(TRL),
  "wandb_history.jsonl": logs.wandbHistory(VERL),
  "table.csv": logs.csv(TABLE),
  "wandb.csv": logs.wandbCsv({ one: TABLE, two: TABLE.slice(2) }),
  "events.tfevents": logs.tensorBoard(TABLE, false),
  "events.tensor.tfevents": logs.tensorBoard(TABLE, true),
  "run.wandb": logs.wandbBinary(TABLE, { config: { seed: 1 } }),
  "run.nested.wandb": logs.wandbBinary(VERL.slice(0, 5), { nested: true }),
};

const BATCH: dumps.Token[][] = [4, 1, 3].map((length, row) =>
  Array.from({ length }, (_, i) => ({
    logProb: -0.25 * (i + row),
    advantage: row === 1 ? -1 : 0.5 + i,
    mask: i === 0 && row === 0 ? 0 : 1,
    oldLogProb: -0.25 * (i + row) - 0.01,
    id: 10 * row + i,
  }))
);
const ARRAYS = dumps.toArrays(BATCH);

const TOKENS: Record<string, Uint8Array> = {
  "dump.safetensors": dumps.safetensors(ARRAYS),
  "dump.npz": dumps.npz(ARRAYS),
  "dump.deflated.npz": dumps.npz(ARRAYS, { deflate: true, zip64: "local" }),
  "dump.zip64.npz": dumps.npz(ARRAYS, { zip64: "all", version: 2 }),
  "sequences.jsonl": dumps.sequenceLines(BATCH),
  "tokens.jsonl": dumps.tokenLines(BATCH),
  "prime_rl.jsonl": dumps.primeRl(BATCH),
};

/** As small as an architecture can be. */
const TINY: ModelConfig = {
  ...modelConfig("qwen2.5-0.5b"),
  vocab_size: 4,
  hidden_size: 4,
  intermediate_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 2,
};

function tensors(seed: number) {
  const shapes = parameterShapes(TINY);
  const values = Object.entries(initialParameters(TINY, seed));
  return new Map(values.map(([name, data]) => [name, { shape: shapes[name]!, data }]));
}

for (const [target, files] of Object.entries({ readers: READERS, tokens: TOKENS })) {
  const folder = join(CORPUS_FOLDER, target);
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(join(folder, name), bytes);
  }
}
const whole = join(CORPUS_FOLDER, "checkpoints/whole");
await writeCheckpoint(whole, {
  config: TINY,
  parameters: tensors(1),
  optimizer: { step: 3, firstMoments: tensors(2), secondMoments: tensors(3) },
  trainer: { step: 3 },
});
// trainer.json holds the digests of all else: without it what is damaged is read.
const bare = join(CORPUS_FOLDER, "checkpoints/bare");
await Deno.mkdir(bare, { recursive: true });
for (const name of ["config.json", "model.safetensors", "optimizer.safetensors"]) {
  await Deno.copyFile(join(whole, name), join(bare, name));
}
const sharded = join(CORPUS_FOLDER, "checkpoints/sharded");
await Deno.mkdir(sharded, { recursive: true });
await Deno.copyFile(join(whole, "config.json"), join(sharded, "config.json"));
const all = Array.from(tensors(1));
const shards = [all.slice(0, 3), all.slice(3)];
const files: Record<string, string> = {};
for (const [i, shard] of shards.entries()) {
  const name = `model-0000${i + 1}-of-00002.safetensors`;
  await writeSafetensors(join(sharded, name), new Map(shard));
  for (const [tensor] of shard) files[tensor] = name;
}
await Deno.writeTextFile(
  join(sharded, "model.safetensors.index.json"),
  JSON.stringify({ metadata: {}, weight_map: files }),
);
