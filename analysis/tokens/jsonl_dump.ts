import { counted } from "../../formats/counted.ts";
import {
  type JsonColumn,
  jsonColumn,
  type JsonLine,
  JsonLineScanner,
} from "../../formats/json_line_scanner.ts";
import type { TokenCollector } from "./collector.ts";
import { COLUMN_NAMES, missingColumns } from "./columns.ts";
import type { DumpFormat } from "./dump.ts";
import type { DumpSource } from "./dump_source.ts";

/** What a line counts for in the allowance of a dump, beyond its bytes: the time that the shortest takes. */
const LINE_BYTES = 32;
/** So many examples of malformed lines are kept; to make more takes longer than to read the lines. */
const EXAMPLES = 3;

/** The name by which prime-rl's token export is told. */
const PRIME_RL_NAME = "trainer_logprobs";

/**
 * Reads JSON lines into a collector and returns their format: a token per line (`log_prob`, `advantages`
 * and the others of COLUMN_NAMES as numbers) or a sequence per line (as lists; the advantage may be one
 * number for the sequence), and prime-rl's token export (`trainer_logprobs`, `inference_logprobs`,
 * `advantages`, `loss_mask`; where it tells the mask of each of its `losses`, that of `rl`). A sequence is
 * numbered by its line; tokens on lines of their own are one sequence, each at the position of its line.
 * A line that cannot be used is counted as malformed.
 *
 * @throws {ReadError} if the file cannot be read, no line has the columns that are needed, or it inflates
 * to more than is allowed.
 */
export async function readJsonlTokens(
  source: DumpSource,
  collector: TokenCollector,
): Promise<DumpFormat> {
  let format: DumpFormat = "jsonl";
  let hasColumns = false;
  let hasFlatLines = false;
  let unmasked = 0;
  const fields = fieldsFor(collector);
  const takeLine = (line: JsonLine): void => {
    source.allowance.take(LINE_BYTES);
    const row = line.isObject ? rowOf(fields) : "it is no JSON object";
    hasColumns ||= row !== NO_COLUMNS && line.isObject;
    if (typeof row === "string") {
      const { malformed } = collector;
      if (malformed.count < EXAMPLES) malformed.add(`line ${line.number} (${row})`, line.head());
      else malformed.count++;
      return;
    }
    if (row.logProb.name === PRIME_RL_NAME) format = "prime-rl";
    if (row.mask === undefined) unmasked++;
    if (row.logProb.isList) collector.sequences++;
    else hasFlatLines = true;
    addRow(row, line.number - 1, collector);
  };
  const scanner = new JsonLineScanner(
    Object.values(fields).flat(),
    takeLine,
    (line, values) => source.allowance.checkLine(line, values),
  );
  for await (const chunk of source.chunks()) scanner.feed(chunk);
  scanner.end();
  if (!hasColumns && scanner.names.length > 0) throw missingColumns(source.name, scanner.names);
  if (hasFlatLines) collector.sequences++;
  if (unmasked > 0) {
    const names = COLUMN_NAMES.mask.join(", ");
    const [have, their] = unmasked === 1 ? ["has", "its"] : ["have", "their"];
    collector.notes.push(
      `${
        counted(unmasked, "line")
      } ${have} no mask (${names}): ${their} tokens were all taken for those of responses`,
    );
  }
  return format;
}

/** The fields to look for, best first. */
type Fields = Readonly<
  Record<"logProb" | "advantage" | "mask" | "oldLogProb" | "token" | "rlMask", JsonColumn[]>
>;

function fieldsFor(collector: TokenCollector): Fields {
  const named = (names: readonly string[]) => names.map((name) => jsonColumn(name));
  const codeOf = (text: string) => collector.codeOfText(text);
  return {
    logProb: named(COLUMN_NAMES.logProb),
    advantage: named(COLUMN_NAMES.advantage),
    mask: named(COLUMN_NAMES.mask),
    oldLogProb: named(COLUMN_NAMES.oldLogProb),
    token: COLUMN_NAMES.token.map((name) => jsonColumn(name, { codeOf })),
    // loss_mask is the union over all losses.
    rlMask: [jsonColumn("losses", { path: ["rl", "mask"] })],
  };
}

/** The columns of a line that can be used. */
interface Row {
  logProb: JsonColumn;
  advantage: JsonColumn;
  mask: JsonColumn | undefined;
  oldLogProb: JsonColumn | undefined;
  token: JsonColumn | undefined;
}

const NO_COLUMNS = "it lacks a log-probability or an advantage";

/** The columns of the current line, or why they cannot be used. */
function rowOf(fields: Fields): Row | string {
  const present = (columns: readonly JsonColumn[]) => columns.find(({ isPresent }) => isPresent);
  const given = (columns: readonly JsonColumn[]) =>
    columns.find(({ isPresent, isNull }) => isPresent && !isNull);
  const [logProb, advantage] = [present(fields.logProb), present(fields.advantage)];
  if (logProb === undefined || advantage === undefined) return NO_COLUMNS;
  const oldLogProb = given(fields.oldLogProb);
  const rlMask = logProb.name === PRIME_RL_NAME ? given(fields.rlMask) : undefined;
  const mask = rlMask ?? given(fields.mask);
  for (const column of [logProb, advantage, mask, oldLogProb]) {
    if (column === undefined) continue;
    if (column.isOther) return `${column.name} is neither a number nor a list of numbers`;
    const isOnePerSequence = column === advantage && !column.isList && logProb.isList;
    if (column.length !== logProb.length && !isOnePerSequence) {
      return `${column.name} has ${column.length} values, ${logProb.name} has ${logProb.length}`;
    }
  }
  const token = given(fields.token);
  const hasTokens = token !== undefined && !token.isOther && token.length === logProb.length;
  return { logProb, advantage, mask, oldLogProb, token: hasTokens ? token : undefined };
}

function addRow(
  { logProb, advantage, mask, oldLogProb, token }: Row,
  line: number,
  collector: TokenCollector,
): void {
  collector.add({
    count: logProb.length,
    logProb: logProb.values,
    advantage: advantage.isList ? advantage.values : advantage.values[0]!,
    mask: mask?.values,
    oldLogProb: oldLogProb?.values,
    token: token?.values,
  }, logProb.isList ? { sequence: line, position: 0 } : { sequence: 0, position: line });
}
