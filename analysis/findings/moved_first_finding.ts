import type { Finding } from "../finding.ts";
import { movedFirst } from "../moved_first.ts";
import type { Overview } from "../overview.ts";
import { listed } from "./words.ts";
import { stepText } from "../step_text.ts";

/** In which order the metrics left their course; no finding where nothing happened to the run. */
export function movedFirstFinding(overview: Overview): Finding[] {
  const found = movedFirst(overview);
  if (found === undefined || found.departures.length < 2) return [];
  const { event, departures } = found;
  const left = departures.filter(({ step }) => step !== undefined);
  const others = departures.filter(({ step }) => step === undefined);
  const [grew, fell, stayed] = (["grew", "fell", undefined] as const).map((drift) =>
    others.filter((one) => one.drift === drift).map(({ name }) => name)
  );
  const drifts = [
    ...(grew!.length === 0 ? [] : [`${listed(grew!)} grew`]),
    ...(fell!.length === 0 ? [] : [`${listed(fell!)} fell`]),
  ];
  if (left.length === 0 && drifts.length === 0) return [];
  const steps = Array.from(new Set(left.map(({ step }) => step)));
  const order = steps.map((step) =>
    `${listed(left.filter((one) => one.step === step).map(({ name }) => name))} at step ${
      stepText(step!)
    }`
  );
  return [{
    topic: "what moved first",
    severity: "notice",
    finding: [
      `${left.length === 0 ? "nothing broke away" : `first ${order.join(", then ")}`}; ${event}.`,
      ...(drifts.length === 0
        ? []
        : [`${listed(drifts)} slowly, without breaking away at any step.`]),
      ...(stayed!.length === 0 ? [] : [`${listed(stayed!)} stayed as before.`]),
    ].join(" "),
    evidence:
      `first of three values in a row more than a quarter and five standard deviations away; ${
        (left.length === 0 ? departures : left).map(({ key }) => key).join(", ")
      }`,
    marks: left.slice(0, 1).map(({ name, step }) => ({
      step: step!,
      label: `${name} moves first`,
    })),
  }];
}
