import { ReadError } from "../errors.ts";
import { readHead } from "./bytes.ts";
import { wandbColumn } from "./csv.ts";
import { parseJsonObject } from "./jsonl.ts";
import type { LogFormat } from "./run.ts";
import { StepFinder } from "./step.ts";
import { isFrameStart } from "./tensorboard.ts";
import { WANDB_HEADER } from "./wandb_binary.ts";

const HEAD_BYTES = 1 << 18;

/**
 * The format of a log, told from its content and not its name. Text that is neither JSON nor a table is
 * taken for a console log: its first metrics may stand megabytes in.
 *
 * @throws {ReadError} if the file cannot be read, is empty, or is binary of an unknown kind.
 */
export async function recogniseFormat(path: string): Promise<LogFormat> {
  const head = await readHead(path, HEAD_BYTES);
  if (head.length === 0) throw new ReadError(`${path} is empty, expected a training log.`);
  if (WANDB_HEADER.every((byte, i) => head[i] === byte)) return "wandb-binary";
  if (isFrameStart(head)) return "tensorboard";
  if (head.subarray(0, 4096).includes(0)) {
    throw new ReadError(
      `${path} is a binary file, but neither TensorBoard events nor a .wandb file, the binary formats that can be read.`,
    );
  }
  const text = new TextDecoder().decode(head).replace(/^\uFEFF/, "");
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  // A single line that fills the head may be cut off there, so it is judged by its start.
  const rows = lines.slice(0, 20).map(parseJsonObject).filter((row) => row !== undefined);
  const [first] = rows;
  if (first !== undefined && !isContainerLog(first)) return jsonFormat(rows);
  if (/^\{/.test(text.trimStart()) && (first === undefined || isContainerLog(first))) {
    if (/"log_history"/.test(text) || lines[0] === "{") return "trainer-state";
  }
  return tableFormat(lines) ?? "verl-console";
}

/** Docker and Kubernetes wrap each console line in JSON. */
function isContainerLog(row: Record<string, unknown>): boolean {
  return ["log", "message", "msg"].some((key) => typeof row[key] === "string");
}

function jsonFormat(rows: Record<string, unknown>[]): LogFormat {
  const has = (key: string) => rows.some((row) => key in row);
  if (has("log_history")) return "trainer-state";
  if (has("run") && !("step" in rows[0]!)) return "run-log";
  if (has("data") && has("step")) return "verl-jsonl";
  if (has("_step")) return "wandb-history";
  if (has("current_steps") || has("global_step/max_steps")) return "trainer-log";
  return "jsonl";
}

/** A table has a header of distinct names and a second line of as many cells. */
function tableFormat(lines: string[]): LogFormat | undefined {
  const header = cells(lines[0] ?? "");
  if (header.length < 2 || new Set(header).size !== header.length || header.includes("")) {
    return undefined;
  }
  if (lines.length > 1 && cells(lines[1]!).length !== header.length) return undefined;
  if (header.some((name) => wandbColumn(name) !== undefined)) return "wandb-csv";
  const named = header.every((name) =>
    /^[\w@/.\- :%()#]+$/.test(name) && Number.isNaN(Number(name))
  );
  return named || header.some(StepFinder.knows) ? "csv" : undefined;
}

/** The cells of one line; enough of CSV to tell a table from prose. */
function cells(line: string): string[] {
  return Array.from(
    line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g),
    (match) => (match[1] ?? match[2] ?? "").trim(),
  );
}
