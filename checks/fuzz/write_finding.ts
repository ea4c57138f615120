import { join } from "node:path";
import { writeWhole } from "../../formats/write.ts";
import type { Finding } from "./campaign.ts";

/**
 * Writes the input of a finding, and beside it what the finding is.
 *
 * @returns The path of the input.
 * @throws {UserError} if they cannot be written.
 */
export async function writeFinding(
  folder: string,
  seed: number,
  finding: Finding,
): Promise<string> {
  const { signature, message, target, entry, index, count, bytes } = finding;
  const stem = join(folder, `finding-${seed}-${index}`);
  await writeWhole(`${stem}.bin`, bytes);
  await writeWhole(
    `${stem}.txt`,
    `${signature}\n\n${message}\n\n${bytes.length} bytes, in the place of ${target}/${entry} of ` +
      `tests/fuzz_corpus; ${count} inputs of seed ${seed} show it, such as number ${index}.\n`,
  );
  return `${stem}.bin`;
}
