import { FULL } from "./entropy_keys.ts";
import { normalKey } from "./normal_key.ts";
import type { Moment } from "./run.ts";
import { isOn, numberOf, settingOf } from "./setting.ts";
import { isSince, type VerlHistory, verlHistory, type VerlLog } from "./verl_history.ts";

/** What a key of entropy means in the version of verl that wrote it. */
export interface VerlEntropy {
  /** What is logged there. */
  readonly definition: string;
  /** When it is measured. */
  readonly measured: Moment;
}

/**
 * What verl logs under `actor/entropy` or `actor/entropy_loss`, by the version that the log shows. For any
 * other key undefined.
 */
export function verlEntropy(key: string, log: VerlLog): VerlEntropy | undefined {
  const normal = normalKey(key);
  const history = verlHistory(log);
  if (normal === "actor/entropy") {
    const isOverwritten = overwritesEntropy(log, history);
    if (isOverwritten === undefined && log.config !== undefined) {
      return { definition: FULL, measured: "unknown" };
    }
    return isOverwritten === true
      ? {
        definition: `${FULL}, mean over the micro-batches of the update on all ranks`,
        measured: "during the update",
      }
      // Without a configuration: as by verl's defaults, under which the update computes none.
      : {
        definition: `${FULL}, of the rollout policy on all ranks`,
        measured: "before the update",
      };
  }
  if (normal !== "actor/entropy/loss") return undefined;
  // verl 0.4.0; what is later and logs this key logs the update's.
  if (isSince(history, "entropyBefore") === true && isSince(history, "entropyRenamed") === false) {
    return {
      definition: `${FULL}, of the rollout policy on all ranks`,
      measured: "before the update",
    };
  }
  const isEarly = isSince(history, "entropyBefore") === false;
  if (isEarly || isSince(history, "entropyRenamed") === true) {
    return {
      definition: `${FULL}, mean over the micro-batches of the update${
        isEarly ? " on rank 0" : isSince(history, "allRanks") === true ? " on all ranks" : ""
      }`,
      measured: "during the update",
    };
  }
  return { definition: FULL, measured: "unknown" };
}

/**
 * Whether the update's entropy overwrites that of the rollout policy under `actor/entropy`: in verl 0.7.0 and
 * 0.7.1, if the update computes one. Undefined if the log does not tell.
 */
export function overwritesEntropy(
  log: VerlLog,
  history: VerlHistory = verlHistory(log),
): boolean | undefined {
  if (isSince(history, "calculateEntropy") === false || isSince(history, "bothKeys") === true) {
    return false;
  }
  if (log.config === undefined) return undefined;
  // The workers of verl's engines, in 0.7 an option, leave the key alone.
  if (isOn(settingOf(log.config, "trainer.use_legacy_worker_impl")) === false) return false;
  const coefficient = numberOf(settingOf(log.config, "actor_rollout_ref.actor.entropy_coeff")) ?? 0;
  const isComputed = coefficient !== 0 ||
    isOn(settingOf(log.config, "actor_rollout_ref.actor.calculate_entropy")) === true;
  // Whether the version is one that overwrites may be open.
  return isComputed ? isSince(history, "calculateEntropy") : false;
}
