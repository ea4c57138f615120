/** A copy of the checkout whose study takes seconds: a small grid in the place of `experiments/study.ts`. */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { studyRun } from "../../../experiments/lab/study/study_run.ts";
import { ROOT, withFolder } from "../../support.ts";

/** What a run of a small study is made with. */
export const SMALL = {
  model: "qwen2.5-0.5b",
  steps: 2,
  prompts: 2,
  group: 2,
  minibatches: 1,
  filterGroups: false,
  validationSamples: 1,
  validateEvery: 100,
  validateAllEvery: 0,
  checkpointEvery: 2,
} as const;

/** Settings of runs, by those that differ from {@linkcode SMALL}. */
export type Grid = readonly Readonly<Record<string, unknown>>[];

/** The names of a grid's runs. */
export function namesOf(grid: Grid): string[] {
  return grid.map((given) => studyRun({ ...SMALL, ...given }).name);
}

const ROOMS = ["commands", "experiments", "kernels", "formats", "analysis"];
const COPIED = [...ROOMS, "denow", "deno.json", "deno.lock"];

/** Runs `body` with a copy of the checkout, without logs and base models, whose study is the grid. */
export async function withStudy(
  grid: Grid,
  body: (checkout: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const checkout = join(folder, "a checkout");
    for (const name of COPIED) {
      await cp(join(ROOT, name), join(checkout, name), { recursive: true });
    }
    await Deno.mkdir(join(checkout, "results"));
    const given = JSON.stringify(grid.map((settings) => ({ ...SMALL, ...settings })));
    await Deno.writeTextFile(
      join(checkout, "experiments/study.ts"),
      `import { type StudyRun, studyRun } from "./lab/study/study_run.ts";
       export interface FigureRun extends StudyRun { readonly figures: readonly string[] }
       export const studyRuns = (): FigureRun[] =>
         ${given}.map((given) => ({ ...studyRun(given), figures: ["fig1"] }));`,
    );
    const pretrain = join(checkout, "experiments/lab/pretrain.ts");
    const text = await Deno.readTextFile(pretrain);
    const short = text.replace(/(?<=\bmath: \{ steps: )\d+/, "5");
    assert.notEqual(short, text);
    await Deno.writeTextFile(pretrain, short);
    await body(checkout);
  });
}

/** The steps of a finished log of a small study, which must be whole. */
export async function stepsOf(checkout: string, name: string): Promise<number[]> {
  const text = await Deno.readTextFile(join(checkout, "results/logs", `${name}.jsonl`));
  assert(text.endsWith("\n"));
  const [first, ...steps] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert("run" in first);
  return steps.map(({ step }) => step);
}
