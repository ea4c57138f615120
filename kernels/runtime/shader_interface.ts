import { GpuError } from "./errors.ts";

/** A word of a shader's uniform parameters. */
export interface Parameter {
  /** Its name in WGSL. */
  readonly name: string;
  /** Its type. */
  readonly type: "u32" | "i32" | "f32";
}

/** What a shader binds, read from its WGSL. */
export interface ShaderInterface {
  /** The number of each storage buffer or texture by its name. */
  readonly bindings: ReadonlyMap<string, number>;
  /** The uniform parameters in the order of their words; undefined where there are none. */
  readonly params: { readonly binding: number; readonly words: readonly Parameter[] } | undefined;
}

const COMMENT = /\/\/.*$|\/\*[^]*?\*\//gm;
/** Attributes, and the variable that they are of. */
const VARIABLE =
  /((?:@\w+\s*\([^)]*\)\s*)+)var\s*(?:<\s*(uniform|storage)\b[^>]*>)?\s*(\w+)\s*:\s*([^;]+);/g;
const WORD = /^(\w+)\s*:\s*(u32|i32|f32)$/;

/**
 * Reads what a shader binds: storage buffers, textures, and a uniform struct of words, all in group 0.
 *
 * @param name Of the WGSL file, for the error.
 * @throws {GpuError} for another group, a binding whose number is not written out, a second uniform, or one that
 * is not a struct of u32, i32 and f32, whose layout this does not know.
 */
export function shaderInterface(name: string, code: string): ShaderInterface {
  const text = code.replaceAll(COMMENT, " ");
  const bindings = new Map<string, number>();
  let params: ShaderInterface["params"];
  for (const [, attributes, kind, variable, type] of text.matchAll(VARIABLE)) {
    const [, group] = /@group\s*\(\s*(\d+)[iu]?\s*\)/.exec(attributes!) ?? [];
    const [, binding] = /@binding\s*\(\s*(\d+)[iu]?\s*\)/.exec(attributes!) ?? [];
    if (group !== "0" || binding === undefined) {
      throw new GpuError(
        `${name}.wgsl has ${variable} at ${
          attributes!.trim()
        }, expected @group(0) and @binding(n), n a number.`,
      );
    }
    if (kind !== "uniform") bindings.set(variable!, Number(binding));
    else if (params === undefined) {
      params = { binding: Number(binding), words: wordsOf(name, text, type!.trim()) };
    } else throw new GpuError(`${name}.wgsl has a second uniform, ${variable}, expected one.`);
  }
  return { bindings, params };
}

function wordsOf(name: string, text: string, struct: string): Parameter[] {
  const [, body] = new RegExp(`\\bstruct\\s+${struct}\\s*\\{([^}]*)\\}`).exec(text) ?? [];
  if (!/^\w+$/.test(struct) || body === undefined) {
    throw new GpuError(`${name}.wgsl has a uniform of type ${struct}, expected a struct of words.`);
  }
  const fields = body.split(/,(?![^<]*>)/).map((field) => field.trim());
  return fields.filter((field) => field !== "").map((field) => {
    const [, word, type] = WORD.exec(field) ?? [];
    if (word === undefined) {
      throw new GpuError(
        `${name}.wgsl has the parameter ${field}, expected one of u32, i32 or f32.`,
      );
    }
    return { name: word, type: type as Parameter["type"] };
  });
}
