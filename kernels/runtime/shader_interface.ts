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
  /** The number of each storage binding by its name. */
  readonly bindings: ReadonlyMap<string, number>;
  /** The uniform parameters in the order of their words; undefined where there are none. */
  readonly params: { readonly binding: number; readonly words: readonly Parameter[] } | undefined;
}

const COMMENT = /\/\/.*$/gm;
const BINDING = /@binding\((\d+)\)\s+var<(uniform|storage)[^>]*>\s+(\w+)\s*:\s*(\w+)/g;
const WORD = /^(\w+)\s*:\s*(u32|i32|f32)$/;

/**
 * Reads what a shader binds: its storage bindings in group 0, and a uniform struct of words.
 *
 * @param name Of the WGSL file, for the error.
 * @throws {GpuError} for a uniform that is not a struct of u32, i32 and f32, whose layout this does not know.
 */
export function shaderInterface(name: string, code: string): ShaderInterface {
  const text = code.replaceAll(COMMENT, "");
  const bindings = new Map<string, number>();
  let params: ShaderInterface["params"];
  for (const [, binding, kind, variable, type] of text.matchAll(BINDING)) {
    if (kind === "storage") bindings.set(variable!, Number(binding));
    else params = { binding: Number(binding), words: wordsOf(name, text, type!) };
  }
  return { bindings, params };
}

function wordsOf(name: string, text: string, struct: string): Parameter[] {
  const [, body] = new RegExp(`struct ${struct}\\s*\\{([^}]*)\\}`).exec(text) ?? [];
  const fields = (body ?? "").split(",").map((field) => field.trim()).filter((field) =>
    field !== ""
  );
  return fields.map((field) => {
    const [, word, type] = WORD.exec(field) ?? [];
    if (word === undefined) {
      throw new GpuError(
        `${name}.wgsl has the parameter ${field}, expected one of u32, i32 or f32.`,
      );
    }
    return { name: word, type: type as Parameter["type"] };
  });
}
