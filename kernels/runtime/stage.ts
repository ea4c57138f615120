/** Texels of a line: no adapter's textures are narrower, and copies want lines of a multiple of 256 bytes. */
export const STAGE_WIDTH = 4096;

/** Bytes of a texel: four numbers. */
export const TEXEL_BYTES = 16;

/** What the numbers of a stage are. */
export type StageType = "f32" | "u32";

/** A texture into which parts of a tensor are copied to be read from there, and what is bound of it. */
export interface Stage {
  /** Four numbers to a texel, {@linkcode STAGE_WIDTH} texels to a line. */
  readonly texture: GPUTexture;
  /** All of it. */
  readonly view: GPUTextureView;
}

/**
 * Makes a stage. On llvmpipe a load from a storage buffer, at an index that differs between invocations, goes through
 * the stack, number by number, and costs about ten times one from a texture, so that the copy pays.
 */
export function makeStage(
  device: GPUDevice,
  { name, type, bytes }: { name: string; type: StageType; bytes: number },
): Stage {
  const texture = device.createTexture({
    label: `stage of ${name}`,
    size: [STAGE_WIDTH, Math.ceil(bytes / (STAGE_WIDTH * TEXEL_BYTES))],
    format: type === "f32" ? "rgba32float" : "rgba32uint",
    usage: GPUTextureUsage.COPY_DST | GPUTextureUsage.TEXTURE_BINDING,
  });
  return { texture, view: texture.createView() };
}
