/**
 * The place after a quoted string that begins at `start`, with backslashes as escapes; undefined if it
 * does not end. A loop, as a regular expression would need memory for each character.
 */
export function endOfQuoted(text: string, start: number): number | undefined {
  const quote = text[start]!;
  for (let end = text.indexOf(quote, start + 1); end >= 0; end = text.indexOf(quote, end + 1)) {
    let escapes = end;
    while (escapes > start + 1 && text[escapes - 1] === "\\") escapes--;
    if ((end - escapes) % 2 === 0) return end + 1;
  }
  return undefined;
}
