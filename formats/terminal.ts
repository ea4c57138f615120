import { styleText } from "node:util";

/** Colours of text on a terminal. */
export type Colour = "green" | "yellow" | "red" | "gray";

/** Text for stdout: bold on a terminal, as it is elsewhere. */
export function bold(text: string): string {
  return Deno.stdout.isTerminal() ? styleText("bold", text) : text;
}

/** Text for stdout: coloured on a terminal, as it is elsewhere. */
export function coloured(colour: Colour, text: string): string {
  return Deno.stdout.isTerminal() ? styleText(colour, text) : text;
}
