/**
 * The page of public runs, from their logs: `deno run --allow-read --config deno.json
 * experiments/public_runs_page.ts ../shared/logs > results/validation/README.md`. It fetches nothing.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { diagnose } from "../analysis/diagnosis.ts";
import { readRun } from "../analysis/readers/read_run.ts";
import { overviewOf } from "../analysis/overview.ts";
import { tryFit } from "../analysis/try_fit.ts";
import { ReadError } from "../formats/errors.ts";
import { markdownText } from "../formats/markdown.ts";
import { number } from "../formats/number.ts";
import { PUBLIC_RUNS, type PublicRun } from "./public_runs.ts";

/** What the tool finds in a public run. */
export interface ValidatedRun {
  /** The run. */
  readonly known: PublicRun;
  /** n, a, b, R² and whether they identify the law; undefined where no law can be fitted. */
  readonly fit?: {
    readonly n: number;
    readonly a: number;
    readonly b: number;
    readonly r2: number;
    readonly identified: boolean;
  };
  /** The verdict of `deno task diagnose`, or why nothing can be said. */
  readonly verdict: string;
}

/**
 * Reads each public run, fits it and diagnoses it.
 *
 * @param folder That holds the logs.
 * @throws {ReadError} if a log is missing, or is not the file that is named.
 */
export async function validate(folder: string): Promise<ValidatedRun[]> {
  const validated: ValidatedRun[] = [];
  for (const known of PUBLIC_RUNS) {
    const path = join(folder, known.file);
    await checkObject(path, known);
    const options = known.scoreKey === undefined ? {} : { scoreKey: known.scoreKey };
    try {
      const run = await readRun(path, options);
      const fitted = tryFit(overviewOf(run));
      const { verdict } = diagnose(run);
      if (typeof fitted === "string") validated.push({ known, verdict });
      else {
        const { n, a, b, r2, identified } = fitted.fit;
        validated.push({ known, fit: { n, a, b, r2, identified }, verdict });
      }
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      validated.push({ known, verdict: error.message.replaceAll(path, known.file) });
    }
  }
  return validated;
}

async function checkObject(path: string, { object }: PublicRun): Promise<void> {
  const content = await Deno.readFile(path).catch(() => undefined);
  if (content === undefined) throw new ReadError(`${path} is not there or cannot be read.`);
  const found = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
  if (found === object) return;
  throw new ReadError(`${path} has the object id ${found}, expected ${object}.`);
}

/** The page: where the logs are from, their numbers beside the independent ones, and their verdicts. */
export function validationPage(validated: readonly ValidatedRun[]): string {
  const cells = (values: readonly string[]) => `| ${values.join(" | ")} |`;
  const sources = validated.map(({ known: { file, source, licence, object } }) =>
    cells([`\`${file}\``, markdownText(source), licence, `\`${object}\``])
  );
  const numbers = validated.map(({ known: { file, scoreKey, independent }, fit, verdict }) => {
    const pairs = (name: "n" | "a" | "b" | "r2", digits: number) =>
      fit === undefined
        ? "–"
        : `${number(fit[name], digits)} (${number(independent?.[name], digits)})`;
    return cells([
      `\`${file}\`${scoreKey === undefined ? "" : `, \`${scoreKey}\``}`,
      pairs("n", 6),
      pairs("a", 6),
      pairs("b", 6),
      pairs("r2", 6),
      fit === undefined ? "–" : fit.identified ? "yes" : "no",
      markdownText(verdict),
    ]);
  });
  return `# Public runs

Logs that others published, and what \`deno task fit\` and \`deno task diagnose\` say of them. The logs are
not in this repository; whoever has a file with the same object id (\`git hash-object FILE\`) has the same
log. The page is made, without a network, by

    deno run --allow-read --config deno.json experiments/public_runs_page.ts FOLDER > results/validation/README.md

where FOLDER holds the logs. In brackets: least squares by a program that shares nothing with this one,
for the same keys and the same pairing rule; – where there is none.

| log | n | a | b | R² | identified | verdict of diagnose |
| --- | --- | --- | --- | --- | --- | --- |
${numbers.join("\n")}

| log | source | licence | git object |
| --- | --- | --- | --- |
${sources.join("\n")}
`;
}

if (import.meta.main) {
  const [folder] = Deno.args;
  if (folder === undefined) {
    console.error("error: name the folder that holds the public logs.");
    Deno.exit(2);
  }
  console.log(validationPage(await validate(folder)).trimEnd());
}
