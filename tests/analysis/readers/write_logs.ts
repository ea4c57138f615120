/** Writers of every log format, from the formats' own descriptions: what the readers are tested with. */
import { crc32 } from "node:zlib";
import protobuf from "protobufjs/minimal";
import { maskedCrc32c } from "../../../analysis/readers/tensorboard.ts";
import { WANDB_HEADER } from "../../../analysis/readers/wandb_binary.ts";

/** One step's metrics. */
export interface Row {
  step: number;
  values: Record<string, number>;
}

/** verl's console lines, with the colours and prefixes of Ray. */
export function verlConsole(rows: Row[]): string {
  return rows.map(({ step, values }) => {
    const fields = Object.entries(values).map(([key, value]) => `${key}:${value}`);
    return `\x1b[36m(TaskRunner pid=7)\x1b[0m step:${step} - ${fields.join(" - ")}\n`;
  }).join("");
}

/** verl's file logger. */
export function verlJsonl(rows: Row[]): string {
  return rows.map(({ step, values }) => JSON.stringify({ step, data: values }) + "\n").join("");
}

/** This project's run log. */
export function runLog(rows: Row[], config: Record<string, unknown>): string {
  return JSON.stringify({ run: config }) + "\n" + verlJsonl(rows);
}

/** trainer_state.json as transformers writes it. */
export function trainerState(rows: Row[]): string {
  const log_history = rows.map(({ step, values }) => ({ epoch: step / 100, ...values, step }));
  return JSON.stringify({ best_metric: null, epoch: 1, global_step: 9, log_history }, null, 2);
}

/** ms-swift's logging.jsonl. */
export function msSwift(rows: Row[]): string {
  return rows.map(({ step, values }) =>
    JSON.stringify({ ...values, "global_step/max_steps": `${step}/1000` }) + "\n"
  ).join("");
}

/** A bare `log_history`: a JSON list of rows. */
export function jsonRows(rows: Row[]): string {
  return JSON.stringify(rows.map(({ step, values }) => ({ step, ...values })), null, 1) + "\n";
}

/** JSON of columns, with null where a row lacks a metric. */
export function jsonColumns(rows: Row[]): string {
  const keys = Array.from(new Set(rows.flatMap(({ values }) => Object.keys(values))));
  const columns = keys.map((key) => [key, rows.map(({ values }) => values[key] ?? null)]);
  return JSON.stringify({ step: rows.map(({ step }) => step), ...Object.fromEntries(columns) });
}

/** The dictionaries that TRL prints, with a progress bar between them. */
export function trainerConsole(rows: Row[]): string {
  return rows.map(({ step, values }) => {
    const items = Object.entries({ ...values, step }).map(([key, value]) => `'${key}': ${value}`);
    return `{${items.join(", ")}}\n  2%|##        | ${step}/200 [00:10<03:00,  1.0s/it]`;
  }).join("") + "\n";
}

/** W&B history as JSON lines. */
export function wandbHistory(rows: Row[]): string {
  return rows.map(({ step, values }) =>
    JSON.stringify({ ...values, _step: step, _runtime: step * 2.5, _timestamp: 1.7e9 + step }) +
    "\n"
  ).join("");
}

/** A table with one column per metric; a metric that a row lacks is an empty cell. */
export function csv(rows: Row[], stepName = "step"): string {
  const keys = Array.from(new Set(rows.flatMap(({ values }) => Object.keys(values))));
  const lines = rows.map(({ step, values }) =>
    [step, ...keys.map((key) => values[key] ?? "")].join(",")
  );
  return [[stepName, ...keys].join(","), ...lines].join("\n") + "\n";
}

/** The CSV export of a W&B chart with several runs. */
export function wandbCsv(runs: Record<string, Row[]>): string {
  const cells: Record<string, Map<number, number>> = {};
  const steps = new Set<number>();
  for (const [run, rows] of Object.entries(runs)) {
    for (const { step, values } of rows) {
      steps.add(step);
      for (const [key, value] of Object.entries(values)) {
        (cells[`${run} - ${key}`] ??= new Map()).set(step, value);
      }
    }
  }
  const columns = Object.keys(cells);
  const quoted = (text: string) => `"${text}"`;
  const header = ["Step", ...columns.flatMap((name) => [name, `${name}__MIN`, `${name}__MAX`])];
  const lines = Array.from(steps).sort((a, b) => a - b).map((step) =>
    [
      quoted(String(step)),
      ...columns.flatMap((name) => {
        const value = cells[name]!.get(step);
        return value === undefined
          ? [quoted(""), quoted(""), quoted("")]
          : [value, value - 1, value + 1].map((cell) => quoted(String(cell)));
      }),
    ].join(",")
  );
  return [header.map(quoted).join(","), ...lines].join("\n") + "\n";
}

/** TensorBoard events; `tensor` writes the value as a float64 tensor, else as a float32 simple_value. */
export function tensorBoard(rows: Row[], tensor: boolean): Uint8Array {
  const records = [new protobuf.Writer().uint32(26).string("brain.Event:2").finish()];
  for (const { step, values } of rows) {
    for (const [key, value] of Object.entries(values)) {
      const scalar = new protobuf.Writer().uint32(10).string(key);
      if (tensor) {
        const content = new Uint8Array(new Float64Array([value]).buffer);
        const proto = new protobuf.Writer().uint32(8).int32(2).uint32(34).bytes(content).finish();
        scalar.uint32(66).bytes(proto);
      } else scalar.uint32(21).float(value);
      const summary = new protobuf.Writer().uint32(10).bytes(scalar.finish()).finish();
      records.push(
        new protobuf.Writer().uint32(9).double(1.7e9).uint32(16).int64(step).uint32(42).bytes(
          summary,
        )
          .finish(),
      );
    }
  }
  return joined(records.map(tfRecord));
}

function tfRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}

/** W&B's binary log; `nested` writes the names as nested keys, as wandb 0.30 does. */
export function wandbBinary(
  rows: Row[],
  options: { nested?: boolean; config?: Record<string, unknown> } = {},
): Uint8Array {
  const item = (key: string, value: unknown) => {
    const writer = new protobuf.Writer();
    if (options.nested) writer.uint32(18).string(key);
    else writer.uint32(10).string(key);
    return writer.uint32(130).string(JSON.stringify(value)).finish();
  };
  const records: Uint8Array[] = [];
  if (options.config !== undefined) {
    const config = new protobuf.Writer();
    for (const [key, value] of Object.entries(options.config)) {
      config.uint32(10).bytes(
        new protobuf.Writer().uint32(10).string(key).uint32(130)
          .string(JSON.stringify(value)).finish(),
      );
    }
    records.push(
      new protobuf.Writer().uint32(8).int64(1).uint32(42).bytes(config.finish()).finish(),
    );
  }
  for (const { step, values } of rows) {
    const history = new protobuf.Writer();
    for (const [key, value] of Object.entries({ ...values, _step: step })) {
      history.uint32(10).bytes(item(key, value));
    }
    records.push(new protobuf.Writer().uint32(18).bytes(history.finish()).finish());
  }
  return levelDbLog(records);
}

const BLOCK = 1 << 15;

/** LevelDB's log format: records in fragments that do not cross blocks. */
function levelDbLog(records: Uint8Array[]): Uint8Array {
  const parts = [WANDB_HEADER];
  let at = WANDB_HEADER.length;
  for (const record of records) {
    let rest = record;
    let first = true;
    do {
      const room = BLOCK - (at % BLOCK);
      if (room < 7) {
        parts.push(new Uint8Array(room));
        at += room;
        continue;
      }
      const data = rest.subarray(0, room - 7);
      rest = rest.subarray(data.length);
      const last = rest.length === 0;
      const type = first ? (last ? 1 : 2) : last ? 4 : 3;
      const fragment = new Uint8Array(7 + data.length);
      const view = new DataView(fragment.buffer);
      view.setUint32(0, crc32(data, crc32(new Uint8Array([type]))), true);
      view.setUint16(4, data.length, true);
      fragment[6] = type;
      fragment.set(data, 7);
      parts.push(fragment);
      at += fragment.length;
      first = false;
      if (last) break;
    } while (true);
  }
  return joined(parts);
}

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A writer of each format with two keys that it knows. */
export const WRITERS: Record<
  string,
  { entropy: string; score: string; write: (rows: Row[]) => string | Uint8Array }
> = {
  "verl-console": {
    entropy: "actor/entropy",
    score: "val-core/gsm8k/acc/mean@1",
    write: verlConsole,
  },
  "verl-jsonl": { entropy: "actor/entropy", score: "val/test_score/gsm8k", write: verlJsonl },
  "run-log": {
    entropy: "actor/entropy",
    score: "val-core/math-500/acc/mean@1",
    write: (rows) => runLog(rows, { seed: 1 }),
  },
  "trainer-state": { entropy: "entropy", score: "eval_reward", write: trainerState },
  "trainer-log": { entropy: "entropy", score: "eval_reward", write: msSwift },
  "wandb-history": { entropy: "train/entropy", score: "eval/reward", write: wandbHistory },
  "wandb-csv": {
    entropy: "actor/entropy",
    score: "val-core/a/acc/mean@1",
    write: (rows) => wandbCsv({ "the run - 1": rows }),
  },
  "wandb-binary": {
    entropy: "actor/entropy",
    score: "val-core/a/acc/mean@1",
    write: (rows) => wandbBinary(rows, { nested: true }),
  },
  tensorboard: {
    entropy: "actor/entropy",
    score: "val-core/a/acc/mean@1",
    write: (rows) => tensorBoard(rows, true),
  },
  csv: { entropy: "entropy", score: "performance", write: csv },
  "json-rows": { entropy: "entropy", score: "eval_reward", write: jsonRows },
  "json-columns": { entropy: "entropy", score: "reward", write: jsonColumns },
  "trainer-console": { entropy: "entropy", score: "eval_reward", write: trainerConsole },
  jsonl: {
    entropy: "optim/entropy",
    score: "test/env/all/reward/total",
    write: (rows) =>
      rows.map(({ step, values }) => JSON.stringify({ step, ...values }) + "\n").join(""),
  },
};
