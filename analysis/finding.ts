/** How a finding should be taken. */
export type Severity = "fine" | "notice" | "problem" | "unknown";

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
}
