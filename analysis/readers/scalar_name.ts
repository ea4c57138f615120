import { basename } from "node:path";
import { ReadError } from "../../formats/errors.ts";
import type { Column } from "./metric_table.ts";

/** The header of one metric that TensorBoard's page exports. */
export const SCALAR_HEADER = /^\ufeff?Wall time,Step,Value\r?\n/;

/**
 * The run and the metric of such an export, by its file's name: `run-NAME-tag-KEY.csv`, in which TensorBoard writes `_`
 * for `/`.
 *
 * @throws {ReadError} if the file is called otherwise: nothing in it says what it is of.
 */
export function scalarOfName(path: string): Column {
  const match = /^(?:run-)?(.*?)-?tag-(.+?)\.csv(?:\.gz)?$/.exec(basename(path));
  if (match === null) {
    throw new ReadError(
      `${path} is one metric as TensorBoard exports it, whose key stands in the file's name alone, expected run-NAME-tag-KEY.csv: call it so again.`,
    );
  }
  return { run: match[1]!, key: match[2]! };
}
