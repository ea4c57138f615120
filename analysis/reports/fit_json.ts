import { printableJson } from "../../formats/printable.ts";
import type { BenchmarkFit } from "../benchmarks.ts";
import { fitVerdict } from "../fit_verdict.ts";
import { LawError } from "../law_error.ts";
import { notesOfFit, type RunFit } from "../run_fit.ts";

/**
 * What `deno task fit --json` prints: one object on one line, with null for what is not finite.
 *
 * @param failed Why other files and runs are not among them, a sentence each.
 */
export function fitJson(fits: readonly RunFit[], failed: readonly string[] = []): string {
  return printableJson({ runs: fits.map(runJson), failed }, finiteOrNull);
}

function runJson(one: RunFit) {
  const { run, pairing, fit, prediction, rivals } = one;
  return {
    source: run.source,
    verdict: fitVerdict(one),
    name: run.name,
    format: run.format,
    entropyKey: run.entropy!.key,
    scoreKey: run.score!.label,
    scoreUnit: run.score!.unit,
    pairing: pairing.rule,
    dropped: pairing.dropped,
    n: fit.n,
    a: fit.a,
    b: fit.b,
    ceiling: fit.ceiling,
    r2: fit.r2,
    rmse: fit.rmse,
    interval: fit.interval,
    bootstrap: {
      method: fit.bootstrap.method,
      blockLength: fit.bootstrap.blockLength,
      draws: fit.bootstrap.draws,
      autocorrelation: fit.bootstrap.autocorrelation,
    },
    identified: fit.identified,
    identifiedBecause: fit.identifiedBecause,
    influence: fit.influence ?? null,
    plateau: one.stand.plateau ?? null,
    prediction: prediction instanceof LawError ? { error: prediction.message } : prediction,
    ahead: typeof one.ahead === "string" ? null : one.ahead,
    rivals,
    scoreKind: run.score!.kind,
    scoreChosen: run.choices.score?.because,
    otherScores: run.choices.score?.runnersUp ?? [],
    keysNotUnderstood: run.unrecognised.map(({ key }) => key),
    benchmarks: one.benchmarks.map(benchmarkJson),
    cautions: one.cautions,
    validationKeys: run.validationKeys,
    malformed: run.malformed.count,
    notes: notesOfFit(one),
  };
}

function benchmarkJson({ key, fit, plateau }: BenchmarkFit) {
  if (fit instanceof LawError) return { key, error: fit.message, plateau: plateau ?? null };
  const { n, a, b, ceiling, r2, rmse, interval, identified, identifiedBecause } = fit;
  const law = { n, a, b, ceiling, r2, rmse, interval, identified, identifiedBecause };
  return { key, ...law, plateau: plateau ?? null };
}

/** JSON has no NaN. */
function finiteOrNull(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}
