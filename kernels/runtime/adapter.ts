import { NoAdapterError } from "./errors.ts";

/** Which GPU to use. */
export interface GpuOptions {
  /** Passed to WebGPU; the fast one by default. */
  readonly powerPreference?: GPUPowerPreference;
  /** Part of the adapter's name, in any case, where there are several. */
  readonly adapterName?: string;
  /** Print the adapter and its limits to stderr. */
  readonly verbose?: boolean;
}

/** What the adapter tells of itself. */
export interface AdapterInfo {
  /** Its name, such as `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string;
  /** `software` for an adapter that runs on the CPU. */
  readonly kind: "hardware" | "software";
}

/** What the device can do beyond the core of WebGPU. */
export interface Features {
  /** Arithmetic in f16 within shaders. */
  readonly f16: boolean;
  /** Timing on the GPU. */
  readonly timestampQuery: boolean;
  /** Operations across the lanes of a subgroup. */
  readonly subgroups: boolean;
}

/**
 * Finds an adapter.
 *
 * @throws {NoAdapterError} if there is none, or none of that name; the message says how to get one.
 */
export async function findAdapter(
  { powerPreference, adapterName }: GpuOptions,
): Promise<GPUAdapter> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  const request = (options: GPURequestAdapterOptions) =>
    gpu?.requestAdapter(options) ?? Promise.resolve(null);
  if (adapterName === undefined) {
    const adapter = await request({ powerPreference: powerPreference ?? "high-performance" }) ??
      await request({ forceFallbackAdapter: true });
    if (adapter !== null) return adapter;
    throw new NoAdapterError(
      "there is no WebGPU adapter here: install a driver for your GPU or, for the CPU, Mesa's lavapipe (Debian and Ubuntu: sudo apt-get install mesa-vulkan-drivers); ./denow does that by itself.",
    );
  }
  const found: string[] = [];
  for (
    const choice of [
      { powerPreference: powerPreference ?? "high-performance" },
      { powerPreference: "low-power" },
      { forceFallbackAdapter: true },
    ] as const
  ) {
    const adapter = await request(choice);
    if (adapter === null) continue;
    const { name } = describe(adapter);
    if (name.toLowerCase().includes(adapterName.toLowerCase())) return adapter;
    if (!found.includes(name)) found.push(name);
  }
  throw new NoAdapterError(
    `no WebGPU adapter is named like ${JSON.stringify(adapterName)}; there is ${
      found.join(", ") || "none"
    }.`,
  );
}

/** What an adapter tells of itself. */
export function describe({ info }: GPUAdapter): AdapterInfo {
  const name = info.description ||
    [info.vendor, info.architecture, info.device].filter((part) => part !== "").join(" ") ||
    "unnamed adapter";
  const isSoftware = info.isFallbackAdapter ||
    /llvmpipe|lavapipe|swiftshader|basic render/i.test(name);
  return { name, kind: isSoftware ? "software" : "hardware" };
}
