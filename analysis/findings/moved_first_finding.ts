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
  const stayed = departures.filter(({ step }) => step === undefined).map(({ name }) => name);
  if (left.length === 0) return [];
  const steps = Array.from(new Set(left.map(({ step }) => step)));
  const order = steps.map((step) =>
    `${listed(left.filter((one) => one.step === step).map(({ name }) => name))} at step ${
      stepText(step!)
    }`
  );
  return [{
    topic: "what moved first",
    severity: "notice",
    finding: `first ${order.join(", then ")}; ${event}.${
      stayed.length === 0 ? "" : ` ${listed(stayed)} stayed as before.`
    }`,
    evidence:
      `first of three values in a row more than a quarter and five standard deviations away; ${
        left.map(({ key }) => key).join(", ")
      }`,
    marks: [{ step: left[0]!.step!, label: `${left[0]!.name} moves first` }],
  }];
}
