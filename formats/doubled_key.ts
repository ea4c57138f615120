/**
 * The first key that an object of a JSON text has twice, at any depth; undefined if there is none. JSON.parse
 * keeps the last of them and does not tell.
 *
 * @param json A text that JSON.parse takes.
 */
export function doubledKey(json: string): string | undefined {
  /** The keys of each object that is open; undefined for arrays. */
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case "{":
        open.push(new Set());
        break;
      case "[":
        open.push(undefined);
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case '"': {
        const first = i++;
        while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
        if (!isKey(json, i + 1)) break;
        const key: string = JSON.parse(json.slice(first, i + 1));
        const keys = open.at(-1)!;
        if (keys.has(key)) return key;
        keys.add(key);
      }
    }
  }
  return undefined;
}

/** Whether a colon follows; white space may lie between. */
function isKey(json: string, at: number): boolean {
  while (" \t\n\r".includes(json[at] ?? "none")) at++;
  return json[at] === ":";
}
