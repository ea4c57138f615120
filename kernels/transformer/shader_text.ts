import type { GpuContext } from "../runtime/context.ts";
import type { Recorder, Slice } from "../runtime/recorder.ts";
import { type StagedBindings, stagedCode, stageInputs } from "../runtime/staged_reads.ts";
import elementsScalar from "./elements_scalar.wgsl" with { type: "text" };
import elementsVec4 from "./elements_vec4.wgsl" with { type: "text" };

/** Shader source that goes through rows of `width` numbers, and how many steps that takes. */
export function elementsOf(width: number): { code: string; chunks: number } {
  return width % 4 === 0
    ? { code: elementsVec4, chunks: width / 4 }
    : { code: elementsScalar, chunks: width };
}

/** How a kernel reads rows. */
export interface RowReads {
  /** Its source, with what its elements are. */
  readonly code: (source: string) => string;
  /** Chunks of a row. */
  readonly chunks: number;
  /** What to bind for the inputs that it reads. */
  readonly bind: (recorder: Recorder, inputs: Readonly<Record<string, Slice>>) => StagedBindings;
}

/**
 * How a kernel reads the inputs of these names, arrays of `Elements` that are indexed by a variable: through stages
 * where the adapter has them (stage.ts) and rows of `width` numbers are vectors. Their rows are those of
 * `stagedRowBlocks`.
 */
export function rowReads(gpu: GpuContext, width: number, names: readonly string[]): RowReads {
  const { code, chunks } = elementsOf(width);
  const isStaged = width % 4 === 0;
  const staged = (source: string) =>
    stagedCode(
      gpu,
      names.reduce(
        (source, name) =>
          source.replace(
            `<storage, read> ${name}: array<Elements>`,
            `<storage, read> ${name}: array<vec4f>`,
          ),
        source,
      ),
      names,
    );
  return {
    code: (source) => code + (isStaged ? staged(source) : source),
    chunks,
    bind: (recorder, inputs) => isStaged ? stageInputs(recorder, inputs) : inputs,
  };
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
