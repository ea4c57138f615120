import { CUT_OFF, parseText, textEnd } from "./json_text.ts";
import { shownName } from "./printable.ts";

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * What JSON.parse passes over in a JSON text, as the end of a sentence about it: a key that an object has
 * twice, of which JSON.parse keeps the last, or nesting beyond a depth. Undefined if there is no such
 * fault; whether the text is JSON is not checked.
 */
export function faultOfKeys(json: Uint8Array, deepest: number): string | undefined {
  /** The keys of each object that is open; undefined for lists. */
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < json.length;) {
    const code = json[i]!;
    if (code === QUOTE) {
      const end = textEnd(json, i);
      if (end === undefined || end === CUT_OFF) return undefined;
      const text = json.subarray(i, end);
      i = end;
      while (json[i]! <= 0x20) i++;
      if (json[i] !== COLON) continue;
      const key = parseText(text);
      const keys = open.at(-1);
      if (key === undefined || keys === undefined) return undefined;
      if (keys.has(key)) return `has the key ${shownName(key)} twice`;
      keys.add(key);
      continue;
    }
    if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (open.length === deepest) return `is nested more than ${deepest} levels deep`;
      open.push(code === OPEN_OBJECT ? new Set() : undefined);
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) open.pop();
    i++;
  }
  return undefined;
}
