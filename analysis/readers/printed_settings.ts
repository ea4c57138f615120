import { copied } from "./copied.ts";
import type { Settings } from "./setting.ts";

/** A command with more is none. */
const LONGEST_COMMAND = 1 << 16;
/** The section without which a text is no command of SkyRL. */
const SECTION = "trainer.algorithm.";
const SETTING = /(?<![\w.])([A-Za-z_]\w*(?:\.\w+)+)=(?:'([^']*)'|"([^"]*)"|([^\s'"]+))/g;

/**
 * The settings that a line of text names as SkyRL's command does, `trainer.algorithm.policy_loss_type=clip_cov`,
 * by their dotted names and with texts as values; undefined if it names none.
 */
export function printedSettings(line: string): Settings | undefined {
  if (line.length > LONGEST_COMMAND || !line.includes(SECTION)) return undefined;
  const found = Array.from(
    line.matchAll(SETTING),
    ([, name, single, double, bare]) => [copied(name!), copied(single ?? double ?? bare!)] as const,
  );
  return found.length === 0 ? undefined : Object.fromEntries(found);
}
