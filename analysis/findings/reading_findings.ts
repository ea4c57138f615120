import { listed } from "../../formats/listed.ts";
import { counted } from "../../formats/counted.ts";
import { number } from "../../formats/number.ts";
import type { Finding } from "../finding.ts";
import { lostSince, scoreAround } from "../lost.ts";
import { entropyEnd } from "../overview.ts";
import { pairs } from "../pairs.ts";
import { enumeration } from "../readers/key_list.ts";
import { isEntropyKey, isLoss, isUnderstood } from "../readers/keys.ts";
import type { Run, RunnerUp } from "../readers/run.ts";
import { changesUnit } from "../readers/score_series.ts";
import type { NotFinite } from "../readers/series.ts";
import { stepText } from "../step_text.ts";

/** Characters that a list of keys may have in a finding. */
const LONGEST = 400;

/**
 * What became of a log's keys when it was read: which score was chosen and what else could have been, which
 * values are not finite, which keys look useful but were not understood, and what else was noted.
 */
export function readingFindings(run: Run): Finding[] {
  return [
    ...scoreChosen(run),
    ...notFinite(run),
    ...entropyEnds(run),
    ...notUnderstood(run),
    ...noted(run),
  ];
}

/** The names of what was not chosen, each with why, as far as there is room. */
export function runnersUpText(runnersUp: readonly RunnerUp[]): string {
  return enumeration(
    runnersUp.map(({ keys, count, because }) =>
      `${keys.length === 1 ? keys[0] : `mean of ${keys.join(", ")}`} (${because}, ${
        counted(count, "value")
      })`
    ),
    LONGEST,
  );
}

function scoreChosen({ score, choices }: Run): Finding[] {
  if (score === undefined || choices.score === undefined) return [];
  const { because, runnersUp } = choices.score;
  const isResembling = score.foundBy === "ending" || score.foundBy === "words";
  return [{
    topic: "score chosen",
    severity: isResembling ? "notice" : "fine",
    finding: `${score.label}: ${because}.`,
    evidence: runnersUp.length === 0
      ? "no other score is logged"
      : `also logged: ${runnersUpText(runnersUp)}`,
  }];
}

/** Values that are not finite: of the entropy and the score a problem, else worth a word. */
function notFinite(run: Run): Finding[] {
  const used = new Set([...(run.entropy ? [run.entropy.key] : []), ...(run.score?.keys ?? [])]);
  const known = Array.from(run.notFinite).filter(([key]) =>
    used.has(key) || isUnderstood(key) || isLoss(key)
  );
  if (known.length === 0) return [];
  const matters = known.filter(([key]) => used.has(key) || isEntropyKey(key));
  known.sort(([, left], [, right]) => left.first - right.first);
  const lost = known.flatMap(([key]) => {
    const since = lostSince(run, key);
    return since === undefined ? [] : [{ key, since }];
  });
  return [{
    topic: "not finite",
    severity: matters.length > 0 ? "problem" : "notice",
    finding: lost.length > 0
      ? `${lostText(lost)} to the end of the log${scoreSince(run, lost[0]!.since)}.`
      : singleText(known),
    evidence: enumeration(known.map(([key, one]) => `${key} ${described(run, key, one)}`), LONGEST),
  }];
}

function singleText(known: readonly (readonly [string, NotFinite])[]): string {
  const [firstKey, { count, first }] = known[0]!;
  const others = known.length === 1 ? "" : `; ${counted(known.length, "key")} have such values`;
  return `${counted(count, "value")} of ${firstKey} ${
    count === 1 ? "is no finite number" : "are no finite numbers"
  }, the first at step ${stepText(first)}${others}.`;
}

/** Which keys are not finite any more, by the step from which on: `a and b are no finite numbers from step 61`. */
function lostText(lost: readonly { readonly key: string; readonly since: number }[]): string {
  const steps = Array.from(new Set(lost.map(({ since }) => since)));
  return steps.map((step) => {
    const keys = lost.filter(({ since }) => since === step).map(({ key }) => key);
    return `${keys.length > 4 ? `${counted(keys.length, "key")}` : listed(keys)} ${
      keys.length === 1 ? "is no finite number" : "are no finite numbers"
    } from step ${stepText(step)} on`;
  }).join(", ");
}

/** The last score before a step and what it is since, as the end of a sentence, where it was another. */
function scoreSince(run: Run, step: number): string {
  const score = scoreAround(run, step);
  if (score?.differ !== true) return "";
  const { last, since } = score;
  return `; the last score before was ${number(last.value, 3)} at step ${
    stepText(last.step)
  }, the median since is ${number(since, 3)}`;
}

/** An entropy that is logged no more while the score goes on, other than by NaN, which has a finding. */
function entropyEnds(run: Run): Finding[] {
  const { entropy, score, notFinite } = run;
  const last = entropyEnd(run);
  if (entropy === undefined || score === undefined || last === undefined) return [];
  if ((notFinite.get(entropy.key)?.last ?? -Infinity) > last) return [];
  const after = score.steps.filter((step) => step > last).length;
  return [{
    topic: "entropy ends",
    severity: "notice",
    finding: `the entropy ends at step ${stepText(last)}, the score goes on to step ${
      stepText(score.steps.at(-1)!)
    }: what is said of the entropy and of the law is of the steps before.`,
    evidence: `${entropy.key}: ${counted(entropy.steps.length, "value")}; ${score.label}: ${
      counted(after, "value")
    } after it`,
    marks: [{ step: last, label: "entropy ends" }],
  }];
}

function described(run: Run, key: string, { count, first, last }: NotFinite): string {
  const finite = run.keys.get(key) ?? 0;
  return `${count} of ${counted(count + finite, "value")}, ${
    first === last ? `step ${stepText(first)}` : `steps ${stepText(first)} to ${stepText(last)}`
  }`;
}

/** What was decided when the log was read, and how many scores have no entropy. */
function noted(run: Run): Finding[] {
  const { entropy, score } = run;
  const dropped = entropy === undefined || score === undefined ? 0 : pairs(run).dropped;
  const without = dropped === 0
    ? []
    : [`${counted(dropped, "score")} without an entropy ${dropped === 1 ? "is" : "are"} dropped.`];
  const notes = [...run.notes, ...without];
  if (notes.length === 0) return [];
  const used = [
    ...(entropy === undefined
      ? []
      : [`${entropy.key}, ${counted(entropy.values.length, "value")}`]),
    ...(score === undefined ? [] : [`${score.label}, ${counted(score.values.length, "value")}`]),
  ];
  return [{
    topic: "reading",
    // It is of the log and not of the run: nothing that a build should fail on. All numbers rest on a unit.
    severity: changesUnit(run, score?.keys ?? []) ? "notice" : "fine",
    finding: notes.join(" "),
    evidence: used.join("; "),
  }];
}

function notUnderstood({ unrecognised }: Run): Finding[] {
  if (unrecognised.length === 0) return [];
  const names = unrecognised.map(({ key, looksLike }) => `${key} (${looksLike}?)`);
  return [{
    topic: "keys not understood",
    severity: "notice",
    finding: `${counted(unrecognised.length, "key")} ${
      unrecognised.length === 1 ? "looks" : "look"
    } useful, but the name is not known here; name an entropy or a score with --entropy-key and --score-key.`,
    evidence: enumeration(names, LONGEST),
  }];
}
