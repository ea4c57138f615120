import type { GpuContext } from "./context.ts";
import type { Recorder, Slice } from "./recorder.ts";
import { STAGE_WIDTH, TEXEL_BYTES } from "./stage.ts";

/** What is bound for inputs, by the names of the bindings. */
export type StagedBindings = Readonly<Record<string, Slice | GPUTextureView>>;

/**
 * The code of a kernel that reads through stages on the adapters that have them: the bindings named, arrays of vec4f
 * or vec4u whose every index is one name, become textures of as many texels.
 */
export function stagedCode(gpu: GpuContext, code: string, names: readonly string[]): string {
  if (gpu.tiles.stageBytes === 0) return code;
  return names.reduce(
    (code, name) =>
      code
        .replace(
          new RegExp(`var<storage, read> ${name}: array<vec4([fu])>`),
          (_, type) => `var ${name}: texture_2d<${type}32>`,
        )
        .replaceAll(
          new RegExp(`\\b${name}\\[(\\w+)\\]`, "g"),
          `textureLoad(${name}, vec2u($1 % ${STAGE_WIDTH}, $1 / ${STAGE_WIDTH}), 0)`,
        ),
    code,
  );
}

/**
 * What to bind for {@linkcode stagedCode}: the slices, or stages of the same names that they are copied into. What is
 * recorded before the next such copy reads them there.
 */
export function stageInputs(
  recorder: Recorder,
  inputs: Readonly<Record<string, Slice>>,
): StagedBindings {
  if (recorder.gpu.tiles.stageBytes === 0) return inputs;
  return Object.fromEntries(
    Object.entries(inputs).map(([name, slice]) => [name, recorder.stage(slice, name)]),
  );
}

/** Whether there are stages, and each input fits one. */
export function fitStage(
  gpu: GpuContext,
  inputs: Readonly<Record<string, { readonly bytes: number }>>,
): boolean {
  return Object.values(inputs).every(({ bytes }) => bytes <= gpu.tiles.stageBytes);
}

/**
 * The most rows of a tensor that `bindRows` binds in no more bytes than a stage has, of `rows` in all; all of them
 * where there are no stages or not even four rows fit.
 *
 * @param bytes Bytes of a row.
 */
export function rowsPerStage(gpu: GpuContext, rows: number, bytes: number): number {
  const most = rowsOfStage(gpu, bytes);
  return most < 4 ? rows : Math.min(rows, most);
}

/**
 * The most rows that `bindRows` binds in no more bytes than a stage has; less than one where none fits.
 *
 * @param bytes Bytes of a row.
 */
export function rowsOfStage(gpu: GpuContext, bytes: number): number {
  // A binding may begin up to its alignment before its first row, and ends on a whole texel.
  const { minStorageBufferOffsetAlignment: alignment } = gpu.device.limits;
  return Math.floor((gpu.tiles.stageBytes - alignment - TEXEL_BYTES) / bytes);
}
