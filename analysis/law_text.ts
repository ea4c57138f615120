import { counted } from "../formats/counted.ts";
import { number } from "../formats/number.ts";
import type { LawFit } from "./law.ts";

/** A fitted law in one line: its formula, in which a sign stands once, R² and the number of pairs. */
export function lawText({ a, b, r2, n }: LawFit): string {
  const slope = `${a < 0 ? "" : "−"}${number(Math.abs(a), 3)}·e^H`;
  const constant = `${b < 0 ? "−" : "+"} ${number(Math.abs(b), 3)}`;
  return `R = ${slope} ${constant}, R² ${number(r2, 2)}, ${counted(n, "pair")}`;
}
