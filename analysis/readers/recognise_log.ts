import { ReadError } from "../../formats/errors.ts";
import { isObject, parseJsonObject } from "../../formats/json_object.ts";
import { JsonPieces } from "./json_pieces.ts";
import { isEntropyByWords, isKnown } from "./keys.ts";
import { enumeration } from "./key_list.ts";
import { LONGEST_LINE } from "./lines.ts";
import type { LogSource } from "./log_source.ts";
import type { Recognised } from "./recognised.ts";
import { tableFormat } from "./recognise_table.ts";
import { runMembers } from "./run_splitter.ts";
import { SCALAR_HEADER, scalarOfName } from "./scalar_name.ts";
import { numberInText } from "./parse_number.ts";
import { steplessBy } from "./step.ts";
import { isFrameStart } from "./tensorboard.ts";
import { WANDB_HEADER } from "./wandb_binary.ts";

const HEAD_BYTES = 1 << 18;

/**
 * The format of a log, told from its content and not its name. Text that is neither JSON nor a table is
 * taken for a console log: its first metrics may stand megabytes in.
 *
 * @throws {ReadError} if the file cannot be read, is empty, is binary of an unknown kind, is text of UTF-16, or a long
 * table.
 */
export async function recogniseFormat(source: LogSource): Promise<Recognised> {
  const head = await source.head(HEAD_BYTES);
  if (head.length === 0) throw new ReadError(`${source.name} is empty, expected a training log.`);
  if (WANDB_HEADER.every((byte, i) => head[i] === byte)) return { format: "wandb-binary" };
  if (isFrameStart(head)) return { format: "tensorboard" };
  if (source.isGzipped && head[0] === 0x1f && head[1] === 0x8b) {
    throw new ReadError(
      `${source.name} was gzipped twice, expected once; gunzip -c makes a file of it that can be read.`,
    );
  }
  const start = head.subarray(0, 4096);
  if (isUtf16(start)) {
    throw new ReadError(
      `${source.name} is UTF-16 text, expected UTF-8: PowerShell writes it with Out-File -Encoding utf8, Excel as "CSV UTF-8", and iconv -f UTF-16 -t UTF-8 makes it of this file.`,
    );
  }
  const binary = whyBinary(start);
  if (binary !== undefined) throw new ReadError(`${source.name} ${binary}`);
  const whole = new TextDecoder().decode(head);
  let text = whole.trimStart();
  if (/^\[\s*(?:\{|\]|$)/.test(text)) return listFormat(text);
  // A row may be longer than the head, as it may hold a configuration.
  if (text.startsWith("{") && !text.includes("\n")) {
    text = new TextDecoder().decode(await source.head(LONGEST_LINE)).trimStart();
  }
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  if (lines[0] === "{") return documentFormat(text);
  // A single line that fills the head may be cut off there, so it is judged by its start.
  const rows = lines.slice(0, 20).map(parseJsonObject).filter((row) => row !== undefined);
  const [first] = rows;
  if (first !== undefined && !isContainerLog(first)) {
    if (lines.length === 1 && isDocument(first)) return { format: "json-columns" };
    const recognised = jsonFormat(rows);
    const isObjectAlone = lines.length === 1 && recognised.format === "jsonl";
    return isObjectAlone ? { ...recognised, otherwise: objectOf(first) } : recognised;
  }
  if (first !== undefined) return { format: "verl-console" };
  if (/^\{\s*"(?:[^"\\]|\\.){1,200}"\s*:/.test(text)) return documentFormat(text);
  if (/^\[\s*(?:"|-?\d+(?:\.\d+)?\s*[,\]])/.test(text)) {
    return { format: "verl-console", otherwise: "is a JSON list whose elements are no objects" };
  }
  if (lines.length > 0 && lines.slice(0, 20).every((line) => MLFLOW_LINE.test(line))) {
    throw new ReadError(
      `${source.name} is one metric as MLflow keeps it, expected the folder of its run${
        runOfMetric(source.name)
      }: it has all of them.`,
    );
  }
  const scalar = lines.length === 1 ? scalarOf(lines[0]!) : undefined;
  if (scalar !== undefined) return { format: "verl-console", otherwise: scalar };
  if (SCALAR_HEADER.test(whole)) {
    return { format: "tensorboard-csv", scalar: scalarOfName(source.name) };
  }
  const table = tableFormat(whole, head.length === HEAD_BYTES);
  if (table?.refused !== undefined) throw new ReadError(`${source.name} ${table.refused}`);
  return table ?? { format: "verl-console" };
}

/**
 * Why bytes with zeros among them are no text, as the end of a sentence; undefined if they are: a crash leaves zeros in
 * the lines that were written last.
 */
function whyBinary(start: Uint8Array): string | undefined {
  if (!start.includes(0)) return undefined;
  const text = new TextDecoder().decode(start, { stream: true });
  // deno-lint-ignore no-control-regex
  if (/[\x01-\x08\x0e-\x1a\ufffd]/.test(text)) {
    return "is a binary file, but neither TensorBoard events nor a .wandb file, the binary formats that can be read.";
  }
  return /^[\s\0]*[^\r\n\0]*\0/.test(text)
    ? "has NUL bytes in its first line, so it is a binary file of another kind than TensorBoard events and .wandb, or a crash damaged it there."
    : undefined;
}

/** A line of a metric that MLflow keeps: milliseconds, value, step. */
const MLFLOW_LINE = /^1\d{12} [-+.\w]+(?: \d+)?$/;

/** The folder of the run that a metric's file lies in, as the end of a clause; empty if its path does not say. */
function runOfMetric(path: string): string {
  const at = path.lastIndexOf("/metrics/");
  return at > 0 ? `, ${path.slice(0, at)}` : "";
}

/** What a single value of JSON is; undefined if a line is none. */
function scalarOf(line: string): string | undefined {
  if (line === "null") return "is JSON that holds nothing (null)";
  if (line === "true" || line === "false") return `is a single value of JSON, ${line}`;
  if (/^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(line)) {
    return `is a single number, ${line.slice(0, 40)}`;
  }
  return /^"(?:[^"\\]|\\.)*"$/.test(line) ? "is a single text of JSON" : undefined;
}

/** Whether bytes are text of two bytes for each character, as its mark or every other byte says. */
function isUtf16(start: Uint8Array): boolean {
  const [first, second] = start;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  // The letters, digits and signs of a log have a zero as one of their two bytes.
  const zeros = [0, 0];
  for (const [at, byte] of start.entries()) if (byte === 0) zeros[at % 2]!++;
  const [least, most] = zeros.sort((left, right) => left - right);
  return start.length >= 4 && least === 0 && most! > 0.4 * start.length;
}

/** An object of JSON over several lines, or on one that is longer than what was looked at. */
function documentFormat(text: string): Recognised {
  return { format: text.includes('"log_history"') ? "trainer-state" : "json-columns" };
}

/** A list of JSON: its rows are told by the first of them. */
function listFormat(text: string): Recognised {
  const rows: Record<string, unknown>[] = [];
  const pieces = new JsonPieces(() => false, (piece) => {
    const row = rows.length < 20 ? parseJsonObject(piece.text ?? "") : undefined;
    if (row !== undefined) rows.push(row);
  });
  pieces.feed(text);
  return {
    format: "json-rows",
    stepless: steplessBy(rows),
    runColumns: runMembers(rows),
    ...(/^\[\s*\]\s*$/.test(text) ? { otherwise: "is an empty JSON list" } : {}),
  };
}

/** What an object is that is all of a file and holds no metrics. */
function objectOf(row: Record<string, unknown>): string {
  const names = Object.keys(row).map((name) => JSON.stringify(name));
  return names.length === 0
    ? "is an empty JSON object"
    : `is one JSON object, with ${enumeration(names, 200)}, and no list of rows or of numbers`;
}

/** Whether an object that is all of a file holds columns or a list of rows, and is no row itself. */
function isDocument(row: Record<string, unknown>): boolean {
  if ("log_history" in row) return false;
  const values = Object.values(row).filter((value) => typeof value === "object" && value !== null);
  const isData = (value: unknown) =>
    Array.isArray(value) || Object.keys(value as object).every((name) => /^\d+$/.test(name));
  return values.length > 0 && values.some(isData) &&
    !Object.values(row).some((value) => typeof value === "number");
}

/** Docker and Kubernetes wrap each console line in JSON. */
function isContainerLog(row: Record<string, unknown>): boolean {
  return ["log", "message", "msg"].some((key) => typeof row[key] === "string");
}

function jsonFormat(rows: Record<string, unknown>[]): Recognised {
  const has = (key: string) => rows.some((row) => key in row);
  if (has("log_history")) return { format: "trainer-state" };
  if (has("run") && isObject(rows[0]!["run"]) && !("step" in rows[0]!)) {
    return { format: "run-log" };
  }
  if (has("data") && has("step")) return { format: "verl-jsonl" };
  if (has("_step")) return { format: "wandb-history" };
  if (has("current_steps") || has("global_step/max_steps")) return { format: "trainer-log" };
  return {
    format: "jsonl",
    stepless: rows.some(isLogRow) ? steplessBy(rows) : undefined,
    runColumns: runMembers(rows),
  };
}

/** Whether a row has an entropy or two known metrics: lists of texts with a number each are no logs. */
function isLogRow(row: Record<string, unknown>): boolean {
  let known = 0;
  for (const key of numbersOf(row)) {
    if (isKnown(key)) known++;
    if (known > 1 || isEntropyByWords(key)) return true;
  }
  return false;
}

/** The keys under which a row has numbers, those of its objects included. */
function* numbersOf(row: Record<string, unknown>): Generator<string> {
  for (const key of Object.keys(row)) {
    const value = row[key];
    if (isNumber(value)) yield key;
    if (!isObject(value)) continue;
    for (const inner of Object.keys(value)) {
      if (isNumber(value[inner])) yield `${key}/${inner}`;
    }
  }
}

/** Whether a value of JSON is a number, or a text of one. */
function isNumber(value: unknown): boolean {
  return typeof value === "number" ||
    (typeof value === "string" && numberInText(value.trim()) !== undefined);
}
