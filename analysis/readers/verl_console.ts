import { COLOUR } from "./colour.ts";
import { besideNote, CutLines, joinedNotes, nameOf, repeatedNotes } from "./console_notes.ts";
import { ConsoleDicts } from "./console_dicts.ts";
import { type LineBatch, readLines } from "./lines.ts";
import type { LogSource } from "./log_source.ts";
import { Malformed } from "./malformed.ts";
import { RayRuns } from "./ray_runs.ts";
import { rayProcess } from "./ray_prefix.ts";
import type { LogRows, ReaderOptions } from "./reader.ts";
import { SeriesCollector } from "./series_collector.ts";
import { TornLines } from "./torn_lines.ts";
import { CONFIG_START, ConfigScanner } from "./verl_config.ts";
import { addFields, STEP_MARK } from "./verl_fields.ts";

// verl prints `step:12 - actor/entropy:0.35 - …`; Ray puts `(TaskRunner pid=1)` before it and a
// progress bar or another process may have left half a line there.
const STEP = /(?<![\w/])step:(\d+) - /;
// Another process may print before the mark is whole.
const TORN_STEP = /(?<=^\s*|\) *)step:\d*(?: -?)?(?=\([A-Za-z_][\w.:-]* pid=\d)/;
// Of a line whose mark was torn before its colon this is the rest.
const REST_OF_STEP = /^(?:t?e?p)?:\d+ - \S+:/;
// A lone carriage return ends a line; a log that was itself written as JSON has the texts `\n` and `\r`.
const LINE_END = /\\[nr]|\r/;
/** W&B cuts a line of its output.log here. */
const WANDB_LINE = 4096;
/** What verl prints before it trains: `Total training steps: 500`. */
const PLANNED = "Total training steps: ";

/** How a printed dictionary begins, TRL's row or verl's configuration. */
const DICTS = ["{'", '{"'];

/**
 * Reads the console output of verl or of a trainer that prints dictionaries, as TRL does: what a terminal,
 * `tee`, Slurm, Ray's driver log or W&B's `output.log` holds. Lines of verl go before dictionaries. A line that another
 * process tore is put together where its rest is certain; else fields cut off at a line's end and fields broken by
 * another process's output are counted as malformed, and so is the one before a lost newline. Of a step that a resumed
 * run repeats the last value holds; of runs whose lines alternate each is a run.
 *
 * @throws {ReadError} if the file cannot be read.
 */
export async function readConsole(
  source: LogSource,
  options: ReaderOptions,
): Promise<LogRows[]> {
  const malformed = new Malformed();
  const cut = new CutLines();
  const runs = new RayRuns(
    () => new SeriesCollector(options.keep, "last", malformed),
    options.keep,
    (line, to) => {
      const { count, isCut } = addFields(line, to);
      if (isCut && line.end !== "unknown") cut.add(line.place());
      source.spend(count);
    },
  );
  const { counts } = runs.main;
  const torn = new TornLines(counts, (line) => runs.take(line));
  const config = new ConfigScanner();
  let plannedSteps: number | undefined;
  const dicts = new ConsoleDicts(options, malformed);
  for await (const batch of readLines(source, malformed)) {
    const { text } = batch;
    const planned = /^\d+(?=\D)/.exec(textAfter(text, PLANNED));
    if (planned !== null) plannedSteps = Number(planned[0]);
    const placeOf = placeIn(batch);
    // Most lines are neither metrics nor configuration: the next of each is looked for in the text.
    let step = -1;
    let start = -1;
    for (let at = 0; at < text.length;) {
      if (step < at) step = indexOrEnd(text, STEP_MARK, at);
      if (start < at) {
        const starts = counts.size === 0 ? DICTS : config.isFound ? [] : [CONFIG_START];
        start = Math.min(text.length, ...starts.map((part) => indexOrEnd(text, part, at)));
      }
      const next = config.isOpen || torn.isOpen ? at : Math.min(step, start);
      if (next === text.length) break;
      source.spend(1);
      const begin = Math.max(at, text.lastIndexOf("\n", next) + 1);
      const newline = text.indexOf("\n", next);
      const stop = newline < 0 ? text.length : newline;
      const raw = text.slice(begin, text[stop - 1] === "\r" ? stop - 1 : stop);
      at = stop + 1;
      const end = raw.length === WANDB_LINE
        ? "cut off"
        : newline >= 0 || batch.isTerminated
        ? "whole"
        : "unknown";
      const place = () => placeOf(begin);
      const bare = step < stop || torn.isOpen ? raw.replace(COLOUR, "") : raw;
      const match = step < stop ? STEP.exec(bare) ?? TORN_STEP.exec(bare) : null;
      if (match === null) {
        if (torn.isOpen) {
          if (torn.next(bare, end)) continue;
        } else if (REST_OF_STEP.test(bare)) {
          malformed.add(place(), bare);
        }
        config.scan(raw);
        const dictionary = config.isOpen ? -1 : raw.search(/\{['"]/);
        if (dictionary >= 0 && counts.size === 0) {
          source.spend(dicts.add(raw, dictionary, () => placeOf(begin)));
        }
        continue;
      }
      const process = rayProcess(bare.slice(0, match.index));
      const lines = bare.slice(match.index).split(LINE_END);
      source.spend(lines.length);
      for (const [i, line] of lines.entries()) {
        const found = i === 0 ? match : STEP.exec(line);
        if (found === null) continue;
        const fields = i === 0 ? line : line.slice(found.index);
        torn.take({ text: fields, process, end: i < lines.length - 1 ? "whole" : end, place });
      }
    }
  }
  torn.close();
  const found = runs.finish();
  const notes = [
    ...repeatedNotes(runs.repeated, found[0]!),
    ...joinedNotes(torn.joined),
    ...cut.notes,
  ];
  const printedConfig = config.result();
  if (found.length > 1) {
    return found.map((run) => ({
      name: nameOf(run),
      series: run.series,
      malformed,
      notes: [besideNote(found, run), ...notes],
      ...(printedConfig !== undefined && run.processes.has(printedConfig.process)
        ? { config: printedConfig.config }
        : {}),
    }));
  }
  const printed = counts.size === 0 ? dicts.rows() : undefined;
  const rows = printed ?? { name: "", series: runs.main, malformed, notes };
  return [{
    ...rows,
    ...(printedConfig === undefined ? {} : { config: printedConfig.config }),
    ...(plannedSteps === undefined ? {} : { plannedSteps }),
  }];
}

/** What follows the last occurrence of a part, as far as a number goes; empty if there is none. */
function textAfter(text: string, part: string): string {
  const at = text.lastIndexOf(part);
  return at < 0 ? "" : text.slice(at + part.length, at + part.length + 24);
}

function indexOrEnd(text: string, part: string, from: number): number {
  const index = text.indexOf(part, from);
  return index < 0 ? text.length : index;
}

/** Tells the lines of ascending places in a batch, each newline looked for once. */
function placeIn({ text, firstNumber }: LineBatch): (at: number) => string {
  let number = firstNumber;
  let newline = text.indexOf("\n");
  return (at) => {
    for (; newline >= 0 && newline < at; newline = text.indexOf("\n", newline + 1)) number++;
    return `line ${number}`;
  };
}
