import { listed } from "../../formats/listed.ts";
import type { Finding } from "../finding.ts";
import { type Departure, movedFirst } from "../moved_first.ts";
import type { Overview } from "../overview.ts";
import { round } from "./words.ts";
import { stepText } from "../step_text.ts";

/** In which order the metrics left their course; no finding where nothing happened to the run. */
export function movedFirstFinding(overview: Overview): Finding[] {
  const found = movedFirst(overview);
  if (found === undefined || found.departures.length < 2) return [];
  const { event, departures, spike } = found;
  const left = departures.filter(({ step }) => step !== undefined);
  const others = (drift: Departure["drift"]) =>
    departures.filter((one) => one.step === undefined && one.drift === drift)
      .map(({ name }) => name);
  const rest = [
    { names: others(undefined), what: "ended within a quarter of the level before" },
    {
      names: others("unsure"),
      what: "ended more than a quarter away from the level before, but not beyond the scatter",
    },
    { names: others("grew"), what: "grew all along, without a break" },
    { names: others("fell"), what: "fell all along, without a break" },
  ].filter(({ names }) => names.length > 0)
    .map(({ names, what }) => ` ${listed(names)} ${what}.`);
  const hasDrifted = departures.some(({ drift }) => drift === "grew" || drift === "fell");
  const moves = left.map(({ name, step }) => ({ name, step: step!, label: `${name} moves first` }));
  if (spike !== undefined) {
    const label = "spike of the gradient norm";
    moves.push({ name: `a ${label} to ${round(spike.value, 2)}`, step: spike.step, label });
    moves.sort((one, other) => one.step - other.step);
  }
  if (moves.length === 0 && !hasDrifted) return [];
  const steps = Array.from(new Set(moves.map(({ step }) => step)));
  const order = steps.map((step) =>
    `${listed(moves.filter((one) => one.step === step).map(({ name }) => name))} at step ${
      stepText(step)
    }`
  );
  return [{
    topic: "what moved first",
    severity: "notice",
    finding: `${
      moves.length === 0 ? "nothing left its course" : `first ${order.join(", then ")}`
    }; ${event}.${rest.join("")}`,
    evidence:
      `first of three values in a row more than a quarter and five standard deviations away; ${
        (left.length === 0 ? departures : left).map(({ key }) => key).join(", ")
      }`,
    marks: moves.slice(0, 1).map(({ step, label }) => ({ step, label })),
  }];
}
