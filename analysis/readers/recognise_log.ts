import { ReadError } from "../../formats/errors.ts";
import { parseJsonObject } from "../../formats/json_object.ts";
import { wandbColumn } from "./csv.ts";
import { LONGEST_LINE } from "./lines.ts";
import type { LogSource } from "./log_source.ts";
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
export async function recogniseFormat(source: LogSource): Promise<LogFormat> {
  const head = await source.head(HEAD_BYTES);
  if (head.length === 0) throw new ReadError(`${source.name} is empty, expected a training log.`);
  if (WANDB_HEADER.every((byte, i) => head[i] === byte)) return "wandb-binary";
  if (isFrameStart(head)) return "tensorboard";
  if (head.subarray(0, 4096).includes(0)) {
    throw new ReadError(
      `${source.name} is a binary file, but neither TensorBoard events nor a .wandb file, the binary formats that can be read.`,
    );
  }
  let text = new TextDecoder().decode(head).trimStart();
  // A row may be longer than the head, as it may hold a configuration.
  if (text.startsWith("{") && !text.includes("\n")) {
    text = new TextDecoder().decode(await source.head(LONGEST_LINE)).trimStart();
  }
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  // A single line that fills the head may be cut off there, so it is judged by its start.
  const rows = lines.slice(0, 20).map(parseJsonObject).filter((row) => row !== undefined);
  const [first] = rows;
  if (first !== undefined && !isContainerLog(first)) return jsonFormat(rows);
  if (first !== undefined) return "verl-console";
  if (text.startsWith("{") && (lines[0] === "{" || text.includes('"log_history"'))) {
    return "trainer-state";
  }
  return tableFormat(lines, head.length === HEAD_BYTES) ?? "verl-console";
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

/** A table has a header of distinct names, one of them the step or numbers in the line below. */
function tableFormat(
  lines: readonly string[],
  isCutOff: boolean,
): LogFormat | undefined {
  const [first = "", second] = lines;
  const header = cells(first);
  if (second === undefined && isCutOff) header.pop();
  if (header.length < 2 || new Set(header).size !== header.length || header.includes("")) {
    return undefined;
  }
  // A row that is cut off cannot be compared with the header.
  const row = second === undefined || (isCutOff && lines.length === 2) ? undefined : cells(second);
  if (row !== undefined && row.length !== header.length) return undefined;
  const isNumeric = (cell: string) => cell !== "" && Number.isFinite(Number(cell));
  if (!header.some(StepFinder.knows) && !row?.some(isNumeric)) return undefined;
  if (header.every(isNumeric)) return undefined;
  return header.some((name) => wandbColumn(name) !== undefined) ? "wandb-csv" : "csv";
}

/** The cells of one line; enough of CSV to tell a table from prose. A quoted cell may be cut off. */
function cells(line: string): string[] {
  const found: string[] = [];
  for (let at = 0; at <= line.length;) {
    let end = at;
    if (line[at] === '"') {
      end = line.indexOf('"', at + 1);
      while (end >= 0 && line[end + 1] === '"') end = line.indexOf('"', end + 2);
      if (end < 0) end = line.length;
      found.push(line.slice(at + 1, end).trim());
    }
    const comma = line.indexOf(",", end);
    const next = comma < 0 ? line.length : comma;
    if (line[at] !== '"') found.push(line.slice(at, next).trim());
    at = next + 1;
  }
  return found;
}
