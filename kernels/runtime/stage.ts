/** Texels of a line: no adapter's textures are narrower, and copies want lines of a multiple of 256 bytes. */
export const STAGE_WIDTH = 4096;

/** Bytes of a texel: four numbers in f32. */
export const TEXEL_BYTES = 16;

/**
 * A texture into which tensors in f32 are copied to be read from there. On llvmpipe a load from a storage
 * buffer goes through the stack, number by number, and waits for it; one from a texture was
 * eight times as fast, and with the copy still four times. One for each device: what is recorded runs in order.
 */
export function makeStage(device: GPUDevice, bytes: number): GPUTexture {
  return device.createTexture({
    label: "stage",
    size: [STAGE_WIDTH, Math.ceil(bytes / (STAGE_WIDTH * TEXEL_BYTES))],
    format: "rgba32float",
    usage: GPUTextureUsage.COPY_DST | GPUTextureUsage.TEXTURE_BINDING,
  });
}
