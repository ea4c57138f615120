import type { NotFinite, Series } from "./series.ts";

/** The kind of file that a run was read from. */
export type LogFormat =
  | "verl-console"
  | "verl-jsonl"
  | "run-log"
  | "trainer-state"
  | "trainer-log"
  | "trainer-console"
  | "mlflow"
  | "json-rows"
  | "json-columns"
  | "jsonl"
  | "wandb-csv"
  | "wandb-history"
  | "wandb-binary"
  | "tensorboard"
  | "tensorboard-csv"
  | "csv";

/** Who wrote the metrics, told by the names of the keys; decides how H and R are paired. */
export type Framework =
  | "verl"
  | "entropy-lab"
  | "trl"
  | "ms-swift"
  | "openrlhf"
  | "skyrl"
  | "slime"
  | "roll"
  | "nemo-rl"
  | "prime-rl"
  | "areal"
  | "open-instruct"
  | "tinker"
  | "torchtitan"
  | "unknown";

/** When a metric of step s was measured, relative to the update of step s. */
export type Moment = "before the update" | "during the update" | "unknown";

/**
 * How a key was understood: by its whole name, by its last parts behind others (`run1/actor/entropy`), by
 * its words (`policy_entropy_per_token`), or because the caller named it.
 */
export type FoundBy = "name" | "ending" | "words" | "caller";

/** The policy entropy of a run, in nats per token unless `definition` says otherwise. */
export interface EntropySeries extends Series {
  /** The key that it was logged under. */
  readonly key: string;
  /** What the framework logs under that key, in words. */
  readonly definition: string;
  /** When it was measured. */
  readonly measured: Moment;
  /** How the key was understood. */
  readonly foundBy: FoundBy;
}

/** The performance R of a run. */
export interface ScoreSeries extends Series {
  /** The keys that it was logged under; several are averaged over the steps that have them all. */
  readonly keys: readonly string[];
  /** The key, or the names of the benchmarks that were averaged. */
  readonly label: string;
  /** A score on held-out problems, on the training rollouts, or not told by the key. */
  readonly kind: "validation" | "training" | "unknown";
  /** `fraction`: an accuracy in 0..1. `reward`: a score in its own unit. */
  readonly unit: "fraction" | "reward";
  /** How the keys were understood. */
  readonly foundBy: FoundBy;
}

/** A score or an entropy that could have been chosen. */
export interface RunnerUp {
  /** Its keys; several are benchmarks that would be averaged. */
  readonly keys: readonly string[];
  /** How many values its longest key has. */
  readonly count: number;
  /** Why it was not chosen, in a few words that follow its name. */
  readonly because: string;
  /** Whether it is a benchmark as those of the score are, measured at too few of the same steps. */
  readonly isBenchmark?: boolean;
}

/** What was chosen of several series that could serve. */
export interface Choice {
  /** Why it was chosen, in a few words. */
  readonly because: string;
  /** The others, the best first; at most 100. */
  readonly runnersUp: readonly RunnerUp[];
}

/** What a key that was not understood seems to be of, by its words. */
export type LooksLike =
  | "entropy"
  | "score"
  | "response length"
  | "truncation"
  | "clip fraction"
  | "KL"
  | "gradient norm";

/** A key that looks as if an analysis here could use it, under a name that is not known here. */
export interface UnrecognisedKey {
  /** The key, as it is logged. */
  readonly key: string;
  /** What its words say. */
  readonly looksLike: LooksLike;
}

/** What a chart was drawn over. */
export interface Axis {
  /** The name of the column; empty if there is none. */
  readonly column: string;
  /** Whether it holds steps; where not, the rows were counted. */
  readonly isStep: boolean;
}

/** One training run as a log tells it: the shape that every reader ends in. */
export interface Run {
  /** Path of the file, as it was given. */
  readonly source: string;
  /** The run's name where the file names one or holds several, else the file's base name. */
  readonly name: string;
  /** The kind of file. */
  readonly format: LogFormat;
  /** Who wrote the metrics. */
  readonly framework: Framework;
  /** The column that the rows of a W&B chart's export were read by. */
  readonly axis?: Axis;
  /** First and last step of any entry. */
  readonly steps: { readonly first: number; readonly last: number };
  /** The policy entropy, where the log has one. */
  readonly entropy?: EntropySeries;
  /** The performance, where the log has one. */
  readonly score?: ScoreSeries;
  /** The score on the training rollouts, where the log has one; it may be {@linkcode Run.score} itself. */
  readonly trainingScore?: ScoreSeries;
  /** What the entropy and the score were chosen from, where they are there. */
  readonly choices: { readonly entropy?: Choice; readonly score?: Choice };
  /** Values that are not finite, by key; they are in no series. */
  readonly notFinite: ReadonlyMap<string, NotFinite>;
  /** Keys that look useful and were not understood. */
  readonly unrecognised: readonly UnrecognisedKey[];
  /** Every key of a validation score, offered for `scoreKey`. */
  readonly validationKeys: readonly string[];
  /** Every series that an analysis here can use, by key: entropies, scores, and what moves with them. */
  readonly series: ReadonlyMap<string, Series>;
  /** Every key of the file with the number of finite values under it. */
  readonly keys: ReadonlyMap<string, number>;
  /**
   * The configuration of the run, where the log has one, as nested data or under dotted names; MLflow's
   * parameters are texts.
   */
  readonly config?: Record<string, unknown>;
  /** How many steps the run is to have, where the log says it beside its configuration. */
  readonly plannedSteps?: number;
  /** Pieces of the file that could not be used. */
  readonly malformed: { readonly count: number; readonly examples: readonly string[] };
  /** What was chosen or converted while reading, one sentence each. */
  readonly notes: readonly string[];
}
