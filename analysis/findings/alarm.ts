import type { Severity } from "../finding.ts";

/** What is worth a word about a series, and how much. */
export interface Alarm {
  /** How bad it is. */
  readonly severity: Severity;
  /** A part of a sentence. */
  readonly text: string;
}

/** Something that is wrong. */
export function problem(text: string): Alarm {
  return { severity: "problem", text };
}

/** Something to know. */
export function notice(text: string): Alarm {
  return { severity: "notice", text };
}
