import { linearRegression } from "simple-statistics";
import { modelConfig, nonEmbeddingParameters } from "../../experiments/lab/families.ts";
import type { Measurement } from "../measure.ts";
import { type PeerResult, peerResults, rate } from "../report.ts";
import type { SizedStep } from "./sizes.ts";
import { gpuSeconds, type PartTimes, PHASES, type StepTimes } from "./steps.ts";

/** How fast one part of a step is. */
export interface PartResult {
  /** Its time by the clock. */
  readonly seconds: number;
  /** Tokens written (rollout) or read (training) per second. */
  readonly tokensPerSecond: number;
  /** Needed floating-point operations per second, in 10⁹. */
  readonly gflops: number;
  /** That rate over the matrix product's. */
  readonly shareOfMatmul: number;
}

/** What was measured of the steps of one size. */
export interface StepResult {
  /** The counterpart of this model. */
  readonly model: string;
  /** Its parameters, embeddings aside. */
  readonly parameters: number;
  /** Responses of a rollout. */
  readonly responses: number;
  /** Tokens of each. */
  readonly responseTokens: number;
  /** Updates of a rollout. */
  readonly minibatches: number;
  /** Time of a step by the clock. */
  readonly seconds: number;
  /** Share of it in which the GPU worked; null where it has no timestamps. */
  readonly gpuShare: number | null;
  /** Share of each phase, of `other` too: recording, submitting, reading; null where there are no timestamps. */
  readonly shares: Readonly<Record<string, number>> | null;
  /** Until all responses are read. */
  readonly rollout: PartResult;
  /** All updates. */
  readonly training: PartResult;
}

/** The exponents p of time ~ size^p, by least squares on logarithms; 1 is linear, less is better than that. */
export interface Exponents {
  /** Of the rollout. */
  readonly rollout: number;
  /** Of the updates. */
  readonly training: number;
}

/** An update made by the lab and by peers. */
export interface UpdateResult {
  /** The counterpart of this model. */
  readonly model: string;
  /** Sequences and their tokens. */
  readonly size: string;
  /** Tokens that the lab reads per second. */
  readonly value: number;
  /** The peers by name. */
  readonly peers: Readonly<Record<string, PeerResult>>;
}

/** What `deno task bench train` found. */
export interface TrainReport {
  /** The adapter's name. */
  readonly adapter: string;
  /** The machine's processor and its threads; none in older reports. */
  readonly processor?: string;
  /** Versions of Deno and of the peers that were asked for. */
  readonly versions: Readonly<Record<string, string>>;
  /** What to do about peers that the machine does not have, by name; none in older reports. */
  readonly missing?: Readonly<Record<string, string>>;
  /** GFLOP/s of the matrix product of 1024×1024×1024 in the same run. */
  readonly matmul: number;
  /** The steps, those that are shown phase by phase first. */
  readonly steps: readonly StepResult[];
  /** How many of the steps those are. */
  readonly shown: number;
  /** Steps as the study's; none in older reports. */
  readonly study?: readonly StepResult[];
  /** Time over tokens, of one model. */
  readonly tokens: Exponents;
  /** Time per token over parameters, embeddings aside, at one number of responses. */
  readonly parameters: Exponents;
  /** The update that peers make too; empty where none was asked for. */
  readonly updates: readonly UpdateResult[];
}

/** Rates and shares from times. */
export function stepResult(
  { model, size }: SizedStep,
  times: StepTimes,
  matmul: number,
): StepResult {
  const part = ({ seconds, tokens, operations }: PartTimes): PartResult => {
    const gflops = operations / 1e9 / seconds;
    return {
      seconds,
      tokensPerSecond: tokens / seconds,
      gflops,
      shareOfMatmul: gflops / matmul,
    };
  };
  const { seconds, phases } = times;
  const busy = gpuSeconds(times);
  return {
    model,
    parameters: nonEmbeddingParameters(modelConfig(model)),
    responses: size.prompts * size.group,
    responseTokens: size.responseTokens,
    minibatches: size.minibatches,
    seconds,
    gpuShare: busy === null ? null : busy / seconds,
    shares: phases === null ? null : sharesOf(phases, seconds),
    rollout: part(times.rollout),
    training: part(times.training),
  };
}

function sharesOf(
  phases: Readonly<Record<string, number>>,
  seconds: number,
): Record<string, number> {
  const shares = Object.fromEntries(PHASES.map((phase) => [phase, phases[phase]! / seconds]));
  const known = Object.values(shares).reduce((sum, share) => sum + share);
  return { ...shares, other: 1 - known };
}

/** Exponents of time over tokens, of the steps of one model. */
export function tokenExponents(steps: readonly StepResult[], model: string): Exponents {
  const own = steps.filter((step) => step.model === model);
  const of = (part: "rollout" | "training") =>
    exponent(own.map((step): [number, number] => {
      const { seconds, tokensPerSecond } = step[part];
      return [seconds * tokensPerSecond, seconds];
    }));
  return { rollout: of("rollout"), training: of("training") };
}

/** Exponents of time per token over parameters, of the steps of so many responses. */
export function parameterExponents(steps: readonly StepResult[], responses: number): Exponents {
  const own = steps.filter((step) => step.responses === responses);
  const of = (part: "rollout" | "training") =>
    exponent(own.map((step) => [step.parameters, 1 / step[part].tokensPerSecond]));
  return { rollout: of("rollout"), training: of("training") };
}

/** The slope of ln y over ln x by least squares. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  return linearRegression(points.map(([x, y]) => [Math.log(x), Math.log(y)])).m;
}

/** Rates and ratios of an update that was timed beside its peers. */
export function updateResult<W>(
  measurement: Measurement<W>,
  absent: ReadonlyMap<string, string>,
): UpdateResult {
  const { name, size } = measurement.problem;
  const peers = peerResults(measurement, absent);
  return { model: name, size, value: rate(measurement), peers };
}
