import { ReadError } from "../errors.ts";
import { readBytes } from "./bytes.ts";
import { addMetrics, parseJsonObject } from "./jsonl.ts";
import { Malformed } from "./malformed.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series.ts";
import { StepFinder } from "./step.ts";

/**
 * Reads the `trainer_state.json` of a Hugging Face Trainer (TRL, ms-swift, Unsloth): the rows of its
 * `log_history`, training and evaluation rows alike.
 *
 * @throws {ReadError} if the file cannot be read or is not whole: it is one JSON document.
 */
export async function readTrainerState(path: string, options: ReaderOptions): Promise<LogRows[]> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of readBytes(path)) text += decoder.decode(chunk, { stream: true });
  const history = parseJsonObject(text + decoder.decode())?.["log_history"];
  if (!Array.isArray(history)) {
    throw new ReadError(
      `${path} starts like a JSON document but is not a whole one with a list "log_history", as trainer_state.json is.`,
    );
  }
  const collector = new SeriesCollector(options.keep, "mean");
  const malformed = new Malformed();
  const steps = new StepFinder();
  for (const [i, row] of history.entries()) {
    const step = steps.find((key) => (row as Record<string, unknown> | null)?.[key]);
    if (step === undefined) malformed.add(`log_history[${i}]`, JSON.stringify(row));
    else addMetrics(collector, step, row);
  }
  return [{ name: "", series: collector, malformed }];
}
