import { changeOf, correlate, type EntropyCourse, entropyCourse } from "./dynamics.ts";
import { counted } from "../formats/counted.ts";
import type { Effort } from "./effort.ts";
import type { Finding } from "./finding.ts";
import { lawFindings } from "./law_findings.ts";
import { pairs } from "./pairs.ts";
import { plateauFindings } from "./plateau_findings.ts";
import { COMPANION_RULES, type CompanionName, NO_SIGNAL_PARTS, normalKey } from "./readers/keys.ts";
import { keyList } from "./readers/key_list.ts";
import type { Run } from "./readers/run.ts";
import type { Series } from "./readers/series.ts";
import { findTraps } from "./traps.ts";
import { tryFit } from "./try_fit.ts";
import { verdictOf } from "./verdict.ts";

/** What a log tells about a run whose entropy is in question. */
export interface Diagnosis {
  /** Path of the log. */
  readonly source: string;
  /** The run's name. */
  readonly name: string;
  /** The findings in one line. */
  readonly verdict: string;
  /** In the order in which a person would want to read them. */
  readonly findings: readonly Finding[];
}

const CANNOT_TELL = "can't tell from this log";

/**
 * Diagnoses a run: what its entropy is and what became of it, how much performance is done and left by
 * the law, what moved together with entropy, which metric traps of the framework apply, and what the
 * paper's remedies would be. Where the log does not tell, it says so.
 *
 * @param effort How much is computed for its law.
 * @throws {ReadError} if the log has neither an entropy nor a score.
 */
export function diagnose(run: Run, effort?: Effort): Diagnosis {
  if (run.entropy === undefined && run.score === undefined) pairs(run);
  const course = run.entropy === undefined ? undefined : entropyCourse(run.entropy);
  const findings = [
    ...plateauFindings(run),
    entropyDefinition(run),
    ...entropyFindings(run, course),
    ...performanceFindings(run),
    ...lawFindings(tryFit(run, effort)),
    ...companionFindings(run),
    ...findTraps(run),
    remedy(course),
    ...leftOut(run),
  ];
  return { source: run.source, name: run.name, verdict: verdictOf(findings), findings };
}

/** What of the log the findings do not rest on. */
function leftOut({ malformed: { count, examples } }: Run): Finding[] {
  if (count === 0) return [];
  return [{
    topic: "malformed",
    severity: "notice",
    finding: `${counted(count, "piece")} of the log could not be used and ${
      count === 1 ? "was" : "were"
    } left out.`,
    evidence: examples.join("; "),
  }];
}

function entropyDefinition({ entropy, keys }: Run): Finding {
  const topic = "entropy definition";
  if (entropy === undefined) {
    const evidence = keyList(Array.from(keys).filter(([, count]) => count > 0).map(([key]) => key));
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}: no policy entropy is logged.`,
      evidence,
    };
  }
  const measured = entropy.measured === "unknown"
    ? "the log does not say whether before or during the update"
    : `measured ${entropy.measured}`;
  return {
    topic,
    severity: entropy.measured === "unknown" ? "notice" : "fine",
    finding: `${entropy.definition}; ${measured}.`,
    evidence: `${entropy.key}, ${counted(entropy.values.length, "value")}`,
  };
}

const COURSE_TEXT: Record<EntropyCourse["course"], string> = {
  collapse: "the entropy collapsed",
  decline: "the entropy declined, but did not collapse",
  stable: "the entropy is stable",
  rise: "the entropy rose",
  explosion: "the entropy exploded",
};

function entropyFindings({ entropy }: Run, course: EntropyCourse | undefined): Finding[] {
  if (entropy === undefined || course === undefined) {
    return [{
      topic: "entropy course",
      severity: "unknown",
      finding: `${CANNOT_TELL}.`,
      evidence: entropy === undefined
        ? "no policy entropy"
        : entropy.values.length < 2
        ? "fewer than two values of the entropy"
        : "the entropy does not start above 0, so no share of it can be told",
    }];
  }
  const { start, end, steps: [first, last], halfSpent, nearlySpent } = course;
  const bad = course.course === "collapse" || course.course === "explosion";
  const spent = (step: number | undefined) =>
    step === undefined ? "was never spent" : `was spent at step ${step}`;
  return [
    {
      topic: "entropy course",
      severity: bad ? "problem" : course.course === "stable" ? "fine" : "notice",
      finding: `${COURSE_TEXT[course.course]}: ${
        Number.isFinite(100 * end / start)
          ? `${round(100 * end / start, 3)} % of it is left`
          : "it has grown beyond all measure"
      }.`,
      evidence: `${round(start)} nats at step ${first}, ${round(end)} at step ${last} (means of 3)`,
    },
    {
      topic: "entropy spent",
      severity: nearlySpent === undefined ? "fine" : "problem",
      finding: `half of the starting entropy ${spent(halfSpent)}, 95 % of it ${
        spent(nearlySpent)
      }.`,
      evidence: `running median of 5 first at or below ${round(0.5 * start)} and ${
        round(0.05 * start)
      } nats`,
      marks: [
        ...(halfSpent === undefined ? [] : [{ step: halfSpent, label: "half of H spent" }]),
        ...(nearlySpent === undefined ? [] : [{ step: nearlySpent, label: "95 % of H spent" }]),
      ],
    },
  ];
}

function performanceFindings({ score }: Run): Finding[] {
  if (score === undefined) {
    return [{
      topic: "performance",
      severity: "unknown",
      finding: `${CANNOT_TELL}: no score is logged.`,
      evidence: "no validation or training score",
    }];
  }
  const change = changeOf(score);
  const findings: Finding[] = [];
  if (change !== undefined) {
    const rose = change.end > change.start;
    findings.push({
      topic: "performance",
      severity: rose ? "fine" : "problem",
      finding: `the ${score.kind === "unknown" ? "" : score.kind + " "}score ${
        rose ? "rose" : "did not rise"
      }.`,
      evidence: `${score.label}: ${round(change.start)} to ${
        round(change.end)
      } (means of 3), steps ${change.steps.join(" to ")}`,
    });
  }
  return findings;
}

/** What is worth a word about a companion, from its start and its end. */
const ALARMS: Partial<Record<CompanionName, (start: number, end: number) => string | undefined>> = {
  "clip fraction": (_, end) => end > 0.2 ? "a fifth of the tokens or more are clipped" : undefined,
  "gradient norm": (start, end) =>
    end > 5 * start
      ? "the gradients grew more than fivefold"
      : end < 0.1 * start
      ? "the gradients have nearly vanished"
      : undefined,
  "truncated responses": (_, end) =>
    end > 0.1 ? "many responses are cut off at the limit" : undefined,
  "groups without signal": (_, end) =>
    end > 0.5 ? "most groups are all right or all wrong and teach nothing" : undefined,
  "response length": (start, end) =>
    end < 0.5 * start ? "responses are less than half as long" : undefined,
};

function companionFindings(run: Run): Finding[] {
  const names = Object.keys(COMPANION_RULES) as CompanionName[];
  return names.filter((name) => name !== "training score").map((name): Finding => {
    const found = findCompanion(run, name);
    const change = found === undefined ? undefined : changeOf(found.series);
    if (found === undefined || change === undefined) {
      return {
        topic: name,
        severity: "unknown",
        finding: `${CANNOT_TELL}: it is not logged.`,
        evidence: `no key known for it among ${run.keys.size}`,
      };
    }
    const { start, end } = change;
    const alarm = ALARMS[name]?.(start, end);
    const link = run.entropy === undefined ? undefined : correlate(run.entropy, found.series);
    const moved = link === undefined
      ? "cannot be compared with the entropy"
      : Math.abs(link.rank) < 0.3
      ? "did not move with the entropy"
      : link.rank > 0
      ? "moved with the entropy"
      : "moved against the entropy";
    return {
      topic: name,
      severity: alarm === undefined ? "fine" : "problem",
      finding: `${moved}${alarm === undefined ? "" : `; ${alarm}`}.`,
      evidence: `${found.key}: ${round(start)} to ${round(end)}` +
        (link === undefined
          ? ""
          : `, rank correlation ${round(link.rank, 2)} over ${link.n} steps`),
    };
  });
}

/** The series of a companion, by the preferred key that the log has. */
export function findCompanion(
  { series }: Run,
  name: CompanionName,
): { key: string; series: Series } | undefined {
  const byPattern = (pattern: RegExp) =>
    series.entries().find(([key]) => pattern.test(normalKey(key)));
  for (const pattern of COMPANION_RULES[name]) {
    const found = byPattern(pattern);
    if (found !== undefined) return { key: found[0], series: found[1] };
  }
  if (name !== "groups without signal") return undefined;
  for (const patterns of NO_SIGNAL_PARTS) {
    const [wrong, right] = patterns.map(byPattern);
    if (wrong !== undefined && right !== undefined) {
      return { key: `${wrong[0]} + ${right[0]}`, series: sum(wrong[1], right[1]) };
    }
  }
  return undefined;
}

function sum(left: Series, right: Series): Series {
  const at = new Map(Array.from(right.steps, (step, i) => [step, right.values[i]!]));
  const common = Array.from(left.steps, (step, i) => [step, left.values[i]!] as const)
    .filter(([step]) => at.has(step));
  return {
    steps: Float64Array.from(common, ([step]) => step),
    values: Float64Array.from(common, ([step, value]) => value + at.get(step)!),
  };
}

function remedy(course: EntropyCourse | undefined): Finding {
  const topic = "remedy";
  if (course === undefined) {
    return {
      topic,
      severity: "unknown",
      finding: `${CANNOT_TELL}.`,
      evidence: "no course of the entropy",
    };
  }
  const evidence = `the entropy's course is ${course.course}`;
  if (course.course === "collapse" || course.course === "decline") {
    return {
      topic,
      severity: "notice",
      finding:
        "the paper's remedies: KL-Cov (a KL penalty, coefficient 1, on the 0.2 % of tokens of highest covariance; 0.02 % at 32B) or Clip-Cov (no gradient for 0.02 % of the tokens, drawn from those with covariance in (1, 5)); in verl policy_loss.loss_mode=kl_cov or clip_cov. Raising the upper clip to 0.28 helps less; an entropy bonus or a reference KL costs performance or needs much tuning.",
      evidence,
    };
  }
  if (course.course === "explosion") {
    return {
      topic,
      severity: "notice",
      finding:
        "the paper's remedies raise entropy, so not now: lower the entropy bonus or the upper clip first, and check the reward for noise.",
      evidence,
    };
  }
  return { topic, severity: "fine", finding: "none is needed for the entropy.", evidence };
}

function round(value: number, digits = 3): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : "–";
}
