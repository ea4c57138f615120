import { ReadError } from "../../formats/errors.ts";

/** What a dump says of each token. */
export type Column = "logProb" | "advantage" | "mask" | "oldLogProb" | "token";

/** The names under which dumps hold each column, best first; the last of some are prime-rl's. */
export const COLUMN_NAMES: Readonly<Record<Column, readonly string[]>> = {
  logProb: ["log_prob", "log_probs", "logprob", "logprobs", "trainer_logprobs"],
  advantage: ["advantages", "advantage"],
  mask: ["mask", "response_mask", "loss_mask"],
  oldLogProb: ["old_log_prob", "old_log_probs", "inference_logprobs"],
  token: ["tokens", "token", "token_ids", "token_id", "responses"],
};

/** The name under which a dump holds a column, or undefined. */
export function nameOf(column: Column, has: (name: string) => boolean): string | undefined {
  return COLUMN_NAMES[column].find(has);
}

/** The error for a dump without a column that is needed: what was looked for, and what there is. */
export function missingColumns(path: string, has: readonly string[]): ReadError {
  const wanted = (["logProb", "advantage"] as const)
    .filter((column) => nameOf(column, (name) => has.includes(name)) === undefined)
    .map((column) => COLUMN_NAMES[column].join(", "));
  const shown = has.slice(0, 40).join(", ") + (has.length > 40 ? ", …" : "");
  return new ReadError(
    `${path} has no ${
      wanted.map((names) => `column of the names ${names}`).join(" and no ")
    }; it has ${shown === "" ? "none" : shown}.`,
  );
}
