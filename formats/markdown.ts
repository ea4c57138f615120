import { printable } from "./printable.ts";

/** A text from outside as Markdown shows it: what would be markup, or an element of HTML, is escaped. */
export function markdownText(text: string): string {
  return printable(text).replace(/[\\`*_<>[\]#|~&]/g, (character) => `\\${character}`);
}
