import { endOfQuoted } from "./quoted.ts";

/** Whether a value of JSON is an object: no list, and not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A JSON object, also where Python wrote the bare words NaN and Infinity, which become texts; undefined if it
 * is none. Without space around it.
 */
export function parseJsonObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith("{") || !text.endsWith("}")) return undefined;
  const hasWords = text.includes("NaN") || text.includes("Infinity");
  try {
    const value = JSON.parse(hasWords ? withoutBareWords(text) : text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** JSON text in which the words NaN, Infinity and -Infinity are strings. */
function withoutBareWords(text: string): string {
  const parts: string[] = [];
  const lexeme = /"|-?Infinity|NaN/g;
  let from = 0;
  for (let match = lexeme.exec(text); match !== null; match = lexeme.exec(text)) {
    if (match[0] === '"') {
      lexeme.lastIndex = endOfQuoted(text, match.index) ?? text.length;
      continue;
    }
    parts.push(text.slice(from, match.index), `"${match[0]}"`);
    from = lexeme.lastIndex;
  }
  parts.push(text.slice(from));
  return parts.join("");
}
