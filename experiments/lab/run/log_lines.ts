import { shown } from "../schema.ts";
import { BEGIN_ANOTHER, RunLogError } from "./log_file.ts";
import { expectSameRun, type RunIdentity } from "./run_identity.ts";

/** The first step of a run, as verl counts. */
export const FIRST_STEP = 1;

/** What a log is to be, so that its run can go on. */
export interface ExpectedLog {
  /** The log's path, for errors. */
  readonly path: string;
  /** The run that it is of. */
  readonly run: RunIdentity;
  /** The step to go on with. */
  readonly next: number;
  /** The run's last step: a log that goes on after it is complete, and not changed. */
  readonly lastStep: number;
}

/** The lines of a log before the step to go on with. */
export interface KeptLines {
  /** Bytes up to the end of the last of them. */
  end: number;
  /** The last step among them; one before the first where there is none. */
  lastStep: number;
  /** The last description of the run among them. */
  run: Record<string, unknown> | undefined;
}

/**
 * Reads the lines of a log up to the step to go on with. What comes after must be this run's, too: whole steps,
 * and a line that was not written whole.
 *
 * @throws {RunLogError} naming the first line that is not, or the first setting in which a line is another run's.
 */
export function keptLines(
  bytes: Uint8Array,
  { path, run, next, lastStep }: ExpectedLog,
): KeptLines {
  const kept: KeptLines = { end: 0, lastStep: FIRST_STEP - 1, run: undefined };
  let expected = FIRST_STEP;
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    const line = bytes.subarray(start, end);
    const { run: described, step } = newline < 0 ? {} : parseLine(line);
    if (number === 1 && described === undefined) {
      if (newline < 0 && isBeginning(line, RUN_LINE!)) return kept;
      throw new RunLogError(
        `${path} does not begin with a run's settings, expected the log of the run to resume; ` +
          `it is left as it is, ${BEGIN_ANOTHER}.`,
      );
    }
    if (described !== undefined) {
      const where = number === 1 ? path : `${path}, whose line ${number} is of another run,`;
      expectSameRun(where, described, run);
    } else if (step === expected && step <= lastStep) {
      expected++;
    } else if (newline >= 0 || next > lastStep || !isCutShort(line)) {
      throw new RunLogError(
        `${path} holds a line ${number} that no run wrote, ${
          shown(new TextDecoder().decode(line).trimEnd())
        }, expected ${
          expected > lastStep ? "no more" : `step ${expected}`
        }; the log is left as it is.`,
      );
    }
    if (newline >= 0 && expected <= next) {
      kept.end = end;
      kept.lastStep = expected - 1;
      kept.run = described ?? kept.run;
    }
    start = end;
  }
  return kept;
}

const [RUN_LINE, STEP_LINE] = ['{"run":', '{"step":'].map((text) => new TextEncoder().encode(text));

/** Whether a last line without its end is what a kill, or the end of a machine, left of a run's. */
function isCutShort(line: Uint8Array): boolean {
  return line.includes(0) || [RUN_LINE!, STEP_LINE!].some((whole) => isBeginning(line, whole));
}

/** Whether this can be a line that was not written whole; a machine that stopped leaves zeros. */
function isBeginning(bytes: Uint8Array, line: Uint8Array): boolean {
  return bytes.subarray(0, line.length).every((byte, i) => byte === 0 || byte === line[i]);
}

/** What a line that a run wrote holds, nothing else. */
function parseLine(bytes: Uint8Array): { run?: Record<string, unknown>; step?: number } {
  try {
    const line = JSON.parse(new TextDecoder().decode(bytes));
    const [keys, content] = [Object.keys(line).join(), line.run ?? line.data];
    if (typeof content !== "object" || content === null || Array.isArray(content)) return {};
    return keys === "run" || keys === "step,data" ? line : {};
  } catch {
    return {};
  }
}
