import { CUT_OFF, parseText, textEnd } from "./json_text.ts";

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * What JSON.parse passes over in a JSON text: a name that an object has twice, or nesting beyond a depth.
 * Undefined if there is no such fault; whether the text is JSON is not checked.
 */
export function faultOfKeys(json: Uint8Array, deepest: number): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length;) {
    const code = json[i]!;
    if (code === QUOTE) {
      const end = textEnd(json, i);
      if (end === undefined || end === CUT_OFF) return undefined;
      const text = json.subarray(i, end);
      i = end;
      while (json[i]! <= 0x20) i++;
      if (json[i] !== COLON) continue;
      const name = parseText(text);
      const names = open.at(-1);
      if (name === undefined || names === undefined) return undefined;
      if (names.has(name)) return `${JSON.stringify(name)} stands twice`;
      names.add(name);
      continue;
    }
    if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (open.push(new Set()) > deepest) return `there are more than ${deepest} levels`;
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) open.pop();
    i++;
  }
  return undefined;
}
