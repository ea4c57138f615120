import { isObject } from "../../formats/json_object.ts";
import { normalKey } from "./normal_key.ts";
import { settingOf } from "./setting.ts";

// What verl's keys of entropy mean, and which faults they had, has changed often. Dates are those of merges
// into verl's main; forks may differ.

/** A change to verl that a log can show. */
export interface VerlEvent {
  /** When it was merged, as ISO date. */
  readonly date: string;
  /** The first release with it. */
  readonly version: string;
}

/** The changes that decide what verl's entropy is. */
export const VERL_EVENTS = {
  /** val-core/ replaces val/test_score/ (verl#623). */
  valCore: { date: "2025-04-04", version: "0.4.0" },
  /** actor/entropy_loss is measured before the update (#1100). */
  entropyBefore: { date: "2025-04-17", version: "0.4.0" },
  /** Megatron's entropy is no longer computed from overwritten logits (#1672). */
  megatronEntropy: { date: "2025-05-24", version: "0.4.0" },
  /** actor/entropy_loss becomes actor/entropy, in order under dynamic batches (#1943). */
  entropyRenamed: { date: "2025-06-11", version: "0.4.1" },
  /** response_length_non_aborted/ is logged (#2929). */
  nonAborted: { date: "2025-08-13", version: "0.6.0" },
  /** Metrics of the update are averaged over all ranks, not those of rank 0 (#3699). */
  allRanks: { date: "2025-10-01", version: "0.6.0" },
  /** The setting calculate_entropy, with which the update's entropy overwrites the other (#4239). */
  calculateEntropy: { date: "2025-11-25", version: "0.7.0" },
  /** The update's entropy has its own key again, actor/entropy_loss (#6067). */
  bothKeys: { date: "2026-04-20", version: "0.8.0" },
} as const satisfies Record<string, VerlEvent>;

/** One end of the time in which a log was written. */
export interface VerlBound {
  /** The change. */
  readonly event: VerlEvent;
  /** The key or setting that shows it. */
  readonly sign: string;
}

/** When a log was written, as far as it shows: after `since` and before `until`. */
export interface VerlHistory {
  /** The latest change that was there already. */
  readonly since?: VerlBound;
  /** The earliest change that was not there yet. */
  readonly until?: VerlBound;
}

/** A log, as far as it dates itself. */
export interface VerlLog {
  /** Its keys. */
  readonly keys: Iterable<string>;
  /** Its configuration, where it has one. */
  readonly config?: Record<string, unknown> | undefined;
}

/** What a whole record of verl's trainer has beside response_length/; chosen columns hardly have all of it. */
const WHOLE_RECORD = [
  "response/length/mean",
  "response/length/clip/ratio",
  "critic/rewards/mean",
  "training/epoch",
];

/** What the printed configuration of every version of verl has of the actor; one written by hand hardly has all of it. */
const WHOLE_ACTOR = ["entropy_coeff", "strategy", "use_dynamic_bsz"];

/** When a log of verl was written. */
export function verlHistory({ keys, config }: VerlLog): VerlHistory {
  const normal = Array.from(keys, normalKey);
  const begins = (start: string) => normal.some((key) => key.startsWith(start));
  const has = (key: string) => normal.includes(key);
  const actor = settingOf(config, "actor_rollout_ref.actor");
  const since = [
    // main of 4 to 17 April 2025 has these keys, too, and measures during the update; no release does.
    begins("val-core/") && bound("entropyBefore", "val-core/"),
    has("actor/pg/clipfrac/lower") && bound("entropyBefore", "actor/pg_clipfrac_lower"),
    has("actor/entropy") && bound("entropyRenamed", "actor/entropy"),
    hasMember(actor, "_target_") && bound("entropyRenamed", "the setting actor._target_"),
    begins("training/rollout/actor/probs") &&
    bound("entropyRenamed", "training/rollout_actor_probs"),
    begins("response/length/non/aborted/") && bound("nonAborted", "response_length_non_aborted/"),
    begins("rollout/corr/") && bound("allRanks", "rollout_corr/"),
    hasMember(actor, "calculate_entropy") &&
    bound("calculateEntropy", "the setting actor.calculate_entropy"),
    has("actor/entropy") && has("actor/entropy/loss") &&
    bound("bothKeys", "actor/entropy_loss beside actor/entropy"),
  ].filter((one) => one !== false);
  const until = [
    begins("val/test/score/") && bound("valCore", "val/test_score/"),
    // What logs these logs the other, once it can: its absence shows the age, but not among chosen columns.
    WHOLE_RECORD.every(has) && !begins("response/length/non/aborted/") &&
    bound("nonAborted", "response_length/ without response_length_non_aborted/"),
    WHOLE_ACTOR.every((name) => hasMember(actor, name)) && !hasMember(actor, "calculate_entropy") &&
    bound("calculateEntropy", "a configuration without actor.calculate_entropy"),
  ].filter((one) => one !== false);
  const history = ends(since, until);
  // From 0.9 on entropy_loss may stand alone again, but with keys beside it that show the age.
  return has("actor/entropy/loss") && !has("actor/entropy") &&
      isSince(history, "entropyRenamed") !== true
    ? ends(since, [...until, bound("entropyRenamed", "actor/entropy_loss without actor/entropy")])
    : history;
}

/** Whether a log was written after a change; undefined if it does not show it, or contradicts itself. */
export function isSince(
  { since, until }: VerlHistory,
  name: keyof typeof VERL_EVENTS,
): boolean | undefined {
  const { date } = VERL_EVENTS[name];
  const isAfter = since !== undefined && since.event.date >= date;
  const isBefore = until !== undefined && until.event.date <= date;
  return isAfter === isBefore ? undefined : isAfter;
}

/** What a history shows, in words: `verl 0.4.1 or later (actor/entropy), before 0.6.0 (…)`. */
export function describeHistory({ since, until }: VerlHistory): string {
  const parts = [
    since && `verl ${since.event.version} or later (${since.sign})`,
    until && `${since === undefined ? "verl " : ""}before ${until.event.version} (${until.sign})`,
  ].filter((part) => part !== undefined);
  if (parts.length === 0) return "no key that tells the version of verl";
  const isOfTwoAges = since !== undefined && until !== undefined &&
    since.event.date >= until.event.date;
  return isOfTwoAges
    ? `can't tell the version: its keys are of two ages, ${parts.join(" and ")}`
    : parts.join(", ");
}

function bound(name: keyof typeof VERL_EVENTS, sign: string): VerlBound {
  return { event: VERL_EVENTS[name], sign };
}

/** The latest of the changes that were there, the earliest of those that were not. */
function ends(since: readonly VerlBound[], until: readonly VerlBound[]): VerlHistory {
  const [last] = since.toSorted((a, b) => b.event.date.localeCompare(a.event.date));
  const [first] = until.toSorted((a, b) => a.event.date.localeCompare(b.event.date));
  return {
    ...(last === undefined ? {} : { since: last }),
    ...(first === undefined ? {} : { until: first }),
  };
}

function hasMember(value: unknown, name: string): boolean {
  return isObject(value) && name in value;
}
