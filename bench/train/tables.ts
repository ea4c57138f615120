import { number } from "../../formats/number.ts";
import { markdownTable, missingPeers, peerCell, peerNames, peerRemarks } from "../table.ts";
import type { Exponents, PartResult, StepResult, TrainReport } from "./train_report.ts";

/** An exponent up to this counts as linear: times of single runs vary by some percent. */
const LINEAR = 1.1;

/** A report as Markdown tables that also read well on a terminal. */
export function trainTables(report: TrainReport): string {
  const { steps, shown, updates } = report;
  return [
    describeSteps(steps[0]!),
    phaseTable(steps.slice(0, shown)),
    ...(report.study === undefined
      ? []
      : [describeSteps(report.study[0]!), phaseTable(report.study)]),
    `Rates count needed operations only, and are beside ${
      number(report.matmul, 3)
    } GFLOP/s of a matrix product of 1024×1024×1024.`,
    `Time over size, per token written (rollout) or read (training), and per parameter, embeddings aside:`,
    sizeTable(steps),
    `${verdict("tokens", report.tokens)}\n${verdict("parameters", report.parameters)}\n` +
    "Powers below 1 come from what each dispatch costs whatever its size, and what each step does.",
    ...(updates.length === 0 ? [] : [
      "Tokens read by an update of one minibatch (forward, backward, AdamW) per second:",
      updateTable(report),
    ]),
  ].join("\n\n");
}

function describeSteps({ responses, responseTokens, minibatches }: StepResult): string {
  return `GRPO steps of ${responses} responses of ${responseTokens} tokens, ${minibatches} minibatches:`;
}

function phaseTable(steps: readonly StepResult[]): string {
  const row = (name: string, cell: (step: StepResult) => string) => [name, ...steps.map(cell)];
  const part = (name: "rollout" | "training") => [
    row(`${name}, tokens/s`, (step) => number(step[name].tokensPerSecond, 3)),
    row(`${name}, GFLOP/s`, (step) => describeRate(step[name])),
  ];
  const phases = Object.keys(steps[0]?.shares ?? {});
  return markdownTable([
    row("", ({ model }) => model),
    row("parameters", ({ parameters }) => String(parameters)),
    row("a step", ({ seconds }) => `${number(seconds, 3)} s`),
    row("GPU busy", ({ gpuShare }) => gpuShare === null ? "no timestamps" : percent(gpuShare)),
    ...part("rollout"),
    ...part("training"),
    ...phases.map((phase) =>
      row(`${phase}, share of time`, ({ shares }) => percent(shares![phase]!))
    ),
  ], 1);
}

function sizeTable(steps: readonly StepResult[]): string {
  const sorted = steps.toSorted((left, right) =>
    left.parameters - right.parameters || left.responses - right.responses
  );
  const cells = (step: StepResult, { tokensPerSecond }: PartResult) => [
    `${number(1e6 / tokensPerSecond, 3)} µs`,
    `${number(1e9 / tokensPerSecond / step.parameters, 3)} ns`,
  ];
  return markdownTable([
    [
      "",
      "parameters",
      "responses",
      "a step",
      "rollout, token",
      "token and parameter",
      "training, token",
      "token and parameter",
    ],
    ...sorted.map((step) => [
      step.model,
      String(step.parameters),
      String(step.responses),
      `${number(step.seconds, 3)} s`,
      ...cells(step, step.rollout),
      ...cells(step, step.training),
    ]),
  ], 1);
}

function verdict(size: "tokens" | "parameters", { rollout, training }: Exponents): string {
  const grows = Math.max(rollout, training) <= LINEAR
    ? "no faster than linearly"
    : "faster than linearly";
  return `Cost grows ${grows} in ${size}: as their power ${number(rollout, 2)} in the rollout and ${
    number(training, 2)
  } in training.`;
}

function updateTable({ updates, versions, missing }: TrainReport): string {
  const peers = peerNames(updates);
  const remarks = [
    ...updates.flatMap(({ model, peers }) => peerRemarks(model, peers)),
    ...missingPeers(missing),
  ];
  return markdownTable([
    ["", "sequences", "this", ...peers.map((peer) => `${peer} ${versions[peer]}`)],
    ...updates.map(({ model, size, value, peers: own }) => [
      model,
      size,
      number(value, 3),
      ...peers.map((peer) => peerCell(own[peer], (value) => number(value, 3))),
    ]),
  ], 2) + (remarks.length === 0 ? "" : `\n\n${remarks.join("\n")}`);
}

function describeRate({ gflops, shareOfMatmul }: PartResult): string {
  return `${number(gflops, 3)} (${percent(shareOfMatmul)})`;
}

function percent(share: number): string {
  return `${number(100 * share, 2)} %`;
}
