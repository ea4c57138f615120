import { normalKey } from "./normal_key.ts";
import type { Framework } from "./run.ts";

/** Keys that only one framework logs, the telling ones first; in normal form. */
const SIGNS: readonly (readonly [Framework, RegExp])[] = [
  [
    "roll",
    /^(?:critic\/entropy\/mean|val\/correct\/.+|actor\/ppo\/ratio\/clipfrac(?:@sum)?|critic\/correct\/mean)$/,
  ],
  [
    "skyrl",
    /^(?:policy\/(?:policy\/entropy|loss\/metrics\/.+|raw\/grad\/norm)|reward\/avg\/(?:raw\/reward|pass@\d+))$/,
  ],
  [
    "verl",
    /^(?:actor\/(?:entropy|pg\/loss|pg\/clipfrac)|val-core\/|critic\/(?:score|rewards)\/mean)/,
  ],
  ["tinker", /^(?:optim\/(?:entropy|kl\/sample\/train\/v1)|env\/all\/reward\/total)$/],
  [
    "prime-rl",
    /^(?:entropy\/all\/mean|mismatch\/kl\/all\/mean|kl\/ent\/ratio\/mean|is\/masked\/all\/mean)$/,
  ],
  [
    "open-instruct",
    /^(?:objective\/verifiable\/(?:correct\/rate|reward)|val\/(?:sequence\/lengths|stop\/rate))$/,
  ],
  ["areal", /^(?:ppo\/actor\/(?:update\/.+|task\/reward\/avg)|eval-rollout\/.+)$/],
  ["slime", /^rollout\/(?:raw\/reward|response\/len(?:gths|\/mean)|zero\/std\/.+|entropy)$/],
  ["openrlhf", /^eval\/eval\/.+\/(?:pass\d+|pass@\d+|response\/length\/mean)$/],
  [
    "nemo-rl",
    /^(?:train\/)?(?:approx\/entropy|probs\/ratio\/clamped|gen\/kl\/error|token\/mult\/prob\/error|mean\/gen\/tokens\/per\/sample)$/,
  ],
  ["ms-swift", /^(?:entropy\/entropy\/mean|global\/step\/max\/steps)$/],
  [
    "trl",
    // The last: its PPO and RLOO before 2026.
    /^(?:(?:train\/)?(?:frac\/reward\/zero\/std|completions\/mean\/length|clip\/ratio\/region\/mean)|objective\/entropy)$/,
  ],
  ["torchtitan", /^trainer\/entropy\/mean$/],
];

const SWIFT_ENTROPY_KEY = /^(?:train\/)?entropy\/(?:mean|max|min)$/;

/** Who wrote the keys of a log. */
export function frameworkOf(keys: Iterable<string>): Framework {
  const normal = Array.from(new Set(Array.from(keys, normalKey)));
  for (const [framework, sign] of SIGNS) {
    if (!normal.some((key) => sign.test(key))) continue;
    // ms-swift is built on TRL and logs most of its keys.
    const isSwift = framework === "trl" && normal.some((key) => SWIFT_ENTROPY_KEY.test(key));
    return isSwift ? "ms-swift" : framework;
  }
  // OpenRLHF's training keys are nobody's alone, but only it has the reward with two others of them, or, on its
  // console, without train/ before them, with three.
  const has = (key: string) => normal.includes(key);
  const ofOpenrlhf = ["entropy/loss", "policy/loss", "ppo/kl", "response/length"];
  const countOf = (prefix: string) =>
    has(`${prefix}reward`) ? ofOpenrlhf.filter((key) => has(prefix + key)).length : 0;
  if (countOf("train/") > 1 || countOf("") > 2) return "openrlhf";
  if (has("train/entropy/loss") && normal.some((key) => key.startsWith("rollout/"))) return "slime";
  return "unknown";
}
