import { parse } from "csv-parse/sync";
import { UserError } from "../formats/errors.ts";

const FOLDER = new URL("../results/paper/", import.meta.url);

/** Which H the paper's figures show, for their captions (Eq. 5; its authors log it as `train_entropy/all`). */
export const PAPER_ENTROPY =
  "Entropy is the paper's: the mean over responses of their mean token entropy, groups without signal left out.";

/** What every figure from the paper's data says of its source. */
export const PAPER_SOURCE =
  "arXiv 2505.22617, digitised from the images in the paper's repository; see results/paper/README.md";

/**
 * The rows of a file in results/paper, by column name; a row is an object of text cells.
 *
 * @param name Such as `fig01_left.csv`.
 * @throws {UserError} if it is not there, or no table.
 */
export function paperRows(name: string): Record<string, string>[] {
  const address = new URL(name, FOLDER);
  try {
    const rows = parse<Record<string, string>>(Deno.readTextFileSync(address), { columns: true });
    if (rows.length > 0 && Object.keys(rows[0]!).length > 1) return rows;
  } catch (error) {
    throw new UserError(`results/paper/${name} cannot be read: ${(error as Error).message}.`);
  }
  throw new UserError(
    `results/paper/${name} has no rows, expected a table whose columns are parted by commas.`,
  );
}

/** A digitised curve with its points in order of their steps. */
export type Curve = { readonly step: number; readonly value: number }[];

/** The curves of a file with the columns series, step and value. */
export function paperCurves(name: string): Map<string, Curve> {
  const curves = new Map<string, Curve>();
  for (const { series, step, value } of paperRows(name)) {
    const curve = curves.get(series!) ?? [];
    curve.push({ step: Number(step), value: Number(value) });
    curves.set(series!, curve);
  }
  for (const curve of curves.values()) curve.sort((left, right) => left.step - right.step);
  return curves;
}

/** The band around a curve, in order of its steps. */
export type Band = { readonly step: number; readonly low: number; readonly high: number }[];

/** The band of a series, at the steps where both of its ends can be seen. */
export function bandOf(curves: ReadonlyMap<string, Curve>, series: string): Band {
  const high = new Map(
    curves.get(`${series}_band_high`)!.map(({ step, value }) => [step, value]),
  );
  return curves.get(`${series}_band_low`)!.flatMap(({ step, value }) =>
    high.has(step) ? [{ step, low: value, high: high.get(step)! }] : []
  );
}

/** Non-embedding parameters of Qwen2.5, in billions (its model cards). */
export const QWEN_SIZES: Readonly<Record<string, number>> = {
  "0.5B": 0.36,
  "1.5B": 1.31,
  "3B": 2.77,
  "7B": 6.53,
  "32B": 31.0,
};
