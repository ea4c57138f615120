/** How a finding should be taken. */
export type Severity = "fine" | "notice" | "problem" | "unknown";

/** A step at which a picture of the run marks a finding. */
export interface FindingMark {
  /** The step. */
  readonly step: number;
  /** What is there, in two or three words. */
  readonly label: string;
}

/** One plain statement about a run, with its evidence. */
export interface Finding {
  /** What it is about. */
  readonly topic: string;
  /** `unknown`: the log does not tell. */
  readonly severity: Severity;
  /** The statement. */
  readonly finding: string;
  /** The numbers and keys that it rests on. */
  readonly evidence: string;
  /** Where a picture of the run marks it. */
  readonly marks?: readonly FindingMark[];
}
