/** Texels of a row of a scratch texture, each of four words. */
export const TEXELS_PER_ROW = 1024;
const ROWS = 256;
/** Words that a scratch texture has room for. */
export const TEXTURE_WORDS = 4 * TEXELS_PER_ROW * ROWS;

/** A texture and what is bound of it. */
interface ScratchTexture {
  readonly texture: GPUTexture;
  readonly view: GPUTextureView;
}

/** Those of each device by what they are for; they go when it goes. */
const TEXTURES = new WeakMap<GPUDevice, Map<string, ScratchTexture>>();

/** A texture that holds nothing longer than from a copy to the dispatches after it. */
export function scratchTexture(
  device: GPUDevice,
  name: string,
  type: "f32" | "u32",
): ScratchTexture {
  let textures = TEXTURES.get(device);
  if (textures === undefined) TEXTURES.set(device, textures = new Map());
  const key = `${name} ${type}`;
  let scratch = textures.get(key);
  if (scratch === undefined) {
    const texture = device.createTexture({
      label: key,
      size: [TEXELS_PER_ROW, ROWS],
      format: type === "f32" ? "rgba32float" : "rgba32uint",
      usage: 0x2 /* COPY_DST */ | 0x4, /* TEXTURE_BINDING */
    });
    scratch = { texture, view: texture.createView() };
    textures.set(key, scratch);
  }
  return scratch;
}
