import type { GpuContext } from "./context.ts";
import type { Recorder, Slice, TextureCopy } from "./recorder.ts";
import { TEXELS_PER_ROW } from "./scratch_textures.ts";

/** What the shader of a kernel over tokens reads them from, by the names of its bindings. */
export type TokenInputs = Readonly<Record<string, Slice>>;

/** What is bound for them. */
export type TokenBindings = Readonly<Record<string, Slice | TextureCopy>>;

/**
 * The code of a kernel over tokens for this adapter. Where textures are read faster than buffers, the bindings named,
 * arrays of vec4f or vec4u that are indexed by a variable, become textures of as many texels.
 */
export function tokenCode(gpu: GpuContext, code: string, names: readonly string[]): string {
  if (!gpu.tiles.tokens.byTexture) return code;
  return names.reduce(
    (code, name) =>
      code
        .replace(
          new RegExp(`var<storage, read> ${name}: array<vec4([fu])>`),
          (_, type) => `var ${name}: texture_2d<${type}32>`,
        )
        .replaceAll(
          new RegExp(`\\b${name}\\[(\\w+)\\]`, "g"),
          `textureLoad(${name}, vec2u($1 % ${TEXELS_PER_ROW}, $1 / ${TEXELS_PER_ROW}), 0)`,
        ),
    code,
  );
}

/**
 * What to bind for {@linkcode tokenCode}, good until the next call on any recorder: the slices, or textures that they
 * are copied to.
 */
export function readTokens(
  recorder: Recorder,
  inputs: TokenInputs,
): TokenBindings {
  if (!recorder.gpu.tiles.tokens.byTexture) return inputs;
  return Object.fromEntries(
    Object.entries(inputs).map(([name, slice]) => [name, recorder.copyToTexture(slice, name)]),
  );
}
