import { cpus } from "node:os";
import type { Measurement } from "./measure.ts";

/** How fast a peer solved the same problem, or why there is no number. */
export type PeerResult =
  | {
    /** Its rate, in the unit of the result. */
    readonly value: number;
    /** The kernels' rate over its rate. */
    readonly ratio: number;
  }
  | {
    /** Why it was not timed. */
    readonly reason: string;
  };

/** One line of the report. */
export interface Result {
  /** What was timed. */
  readonly name: string;
  /** On what size. */
  readonly size: string;
  /** Of `value`. */
  readonly unit: string;
  /** The kernels' rate. */
  readonly value: number;
  /** Bytes that had to be moved, per second, over the rate of the copy; null where arithmetic is the limit. */
  readonly shareOfRoof: number | null;
  /** The peers by name; empty where none was asked for or none can take the problem. */
  readonly peers: Readonly<Record<string, PeerResult>>;
}

/** What the bench found. */
export interface Report {
  /** The adapter's name. */
  readonly adapter: string;
  /** The machine's processor and its threads; none in older reports. */
  readonly processor?: string;
  /** Versions of Deno and of the peers that were asked for. */
  readonly versions: Readonly<Record<string, string>>;
  /** What to do about peers that the machine does not have, by name; none in older reports. */
  readonly missing?: Readonly<Record<string, string>>;
  /** One for each problem; one for the faster of both copies. */
  readonly results: readonly Result[];
}

/** The machine's processor and how many threads it runs at once. */
export function processor(): string {
  const all = cpus();
  return `${all[0]?.model ?? "unknown processor"}, ${all.length} threads`;
}

/** The rates behind some measurements. */
export function results(
  measurements: readonly Measurement[],
  absent: ReadonlyMap<string, string>,
): Result[] {
  const copies = measurements.filter(({ problem }) => problem.name === "copy");
  const fastest = copies.reduce((best, copy) => rate(copy) > rate(best) ? copy : best);
  return measurements
    .filter((measurement) => !copies.includes(measurement) || measurement === fastest)
    .map((measurement) => result(measurement, rate(fastest), absent));
}

function result(
  measurement: Measurement,
  roof: number,
  absent: ReadonlyMap<string, string>,
): Result {
  const { problem: { name, size, unit, bytes }, milliseconds } = measurement;
  return {
    name,
    size,
    unit,
    value: rate(measurement),
    shareOfRoof: bytes === null ? null : bytes / 1e6 / milliseconds / roof,
    peers: peerResults(measurement, name === "copy" ? new Map() : absent),
  };
}

/**
 * How fast the peers are, by name.
 *
 * @param absent Why peers do not run at all.
 */
export function peerResults<W>(
  { problem: { amount }, milliseconds, peers }: Measurement<W>,
  absent: ReadonlyMap<string, string>,
): Record<string, PeerResult> {
  const results: Record<string, PeerResult> = {};
  for (const [peer, outcome] of [...absent, ...peers]) {
    results[peer] = typeof outcome === "string"
      ? { reason: outcome }
      : { value: amount / outcome * 1000, ratio: outcome / milliseconds };
  }
  return results;
}

/** A report as JSON; what was measured has four digits, since the fifth changes from run to run. */
export function toJson(report: object): string {
  return JSON.stringify(
    report,
    (_, value) =>
      typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
  );
}

/** Amount per second. */
export function rate<W>({ problem, milliseconds }: Measurement<W>): number {
  return problem.amount / milliseconds * 1000;
}
