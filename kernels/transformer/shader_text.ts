import elementsScalar from "./elements_scalar.wgsl" with { type: "text" };
import elementsVec4 from "./elements_vec4.wgsl" with { type: "text" };

/** Shader source that goes through rows of `width` numbers, and how many steps that takes. */
export function elementsOf(width: number): { code: string; chunks: number } {
  return width % 4 === 0
    ? { code: elementsVec4, chunks: width / 4 }
    : { code: elementsScalar, chunks: width };
}

/**
 * Fixes constants of a shader, and writes out the loops that run from 0 to one of them. Arrays take their
 * length from a constant and from no `override`; and only where loops are written out are arrays sure to
 * be kept in registers.
 */
export function specialize(code: string, constants: Readonly<Record<string, number>>): string {
  const declarations = Object.entries(constants).map(([name, value]) =>
    `const ${name} = ${value}u;\n`
  ).join("");
  const made = specialized.get(declarations) ?? [];
  const known = made.find((one) => one.code === code);
  if (known !== undefined) return known.text;
  const text = declarations + writeOutLoops(code, constants);
  specialized.set(declarations, [...made, { code, text }]);
  return text;
}

/** What was made before, by its declarations: each token of a rollout asks for the same. */
const specialized = new Map<string, { readonly code: string; readonly text: string }[]>();

/** A loop such as `for (var i = 0u; i < SIZE; i++) {`. */
const LOOP = /for \(var (\w+) = 0u; \1 < ([A-Z_]+); \1\+\+\) \{/;

function writeOutLoops(code: string, constants: Readonly<Record<string, number>>): string {
  const found = LOOP.exec(code);
  if (found === null) return code;
  const [head, counter, bound] = found;
  const count = constants[bound!];
  const begin = found.index + head.length;
  if (count === undefined) {
    return code.slice(0, begin) + writeOutLoops(code.slice(begin), constants);
  }
  const end = closingBrace(code, begin);
  const body = writeOutLoops(code.slice(begin, end), constants);
  const copies = Array.from({ length: count }, (_, i) => `{ const ${counter} = ${i}u;${body}}\n`);
  return code.slice(0, found.index) + copies.join("") +
    writeOutLoops(code.slice(end + 1), constants);
}

/** The brace that closes the block whose body begins at `begin`. */
function closingBrace(code: string, begin: number): number {
  let depth = 1;
  let at = begin;
  while (depth > 0) {
    const character = code[at++];
    if (character === "{") depth++;
    if (character === "}") depth--;
  }
  return at - 1;
}
