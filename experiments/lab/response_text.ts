import { number } from "../../formats/number.ts";
import { coloured } from "../../formats/terminal.ts";

/**
 * What `deno task play` prints of a response: it in one line after its prompt, and below it ln π and the
 * entropy (nats) of each token. On a terminal the colour tells the entropy: plain below 0.1 nats, yellow below
 * 0.7, red above.
 *
 * @param text The response's tokens, one character each.
 */
export function responseText(
  prompt: string,
  { logProb, entropy }: Readonly<Record<"logProb" | "entropy", ArrayLike<number>>>,
  text: string,
): string {
  const characters = [...text];
  const shown = characters.map((character, i) => colouredBy(entropy[i]!, character)).join("");
  const rows = characters.map((character, i) => {
    const columns = [
      character.padEnd(5),
      number(logProb[i], 3).padEnd(8),
      number(entropy[i], 3),
    ];
    return colouredBy(entropy[i]!, `  ${columns.join("  ")}`);
  });
  return [`\n${prompt}${shown}`, "  token  ln π      entropy", ...rows].join("\n");
}

function colouredBy(entropy: number, text: string): string {
  if (entropy < 0.1) return text;
  return coloured(entropy < 0.7 ? "yellow" : "red", text);
}
