import { describe, findAdapter, type GpuOptions } from "./adapter.ts";
import { GpuContext } from "./context.ts";
import { prepareDeno } from "./deno.ts";
import { Profile } from "./profile.ts";
import { Recorder, type ValuesOf } from "./recorder.ts";
import type { DataType, Tensor } from "./tensor.ts";

const WANTED: readonly GPUFeatureName[] = [
  "shader-f16",
  "timestamp-query",
  "subgroups" as GPUFeatureName,
];

/** The limits that WebGPU sets low by default and that are raised to the adapter's own. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * Opens a GPU: the adapter's own limits are requested, errors of the device are listened to and reach
 * the caller who next awaits a {@linkcode Recorder.read}.
 *
 * @throws {NoAdapterError} if there is no adapter, or none of that name; the message says how to get one.
 */
export async function requestGpu(options: GpuOptions = {}): Promise<Gpu> {
  prepareDeno();
  const adapter = await findAdapter(options);
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = WANTED.filter((name) => adapter.features.has(name));
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  const gpu = new Gpu(device, describe(adapter));
  if (options.verbose) {
    const { name, kind } = gpu.adapter;
    console.error(`WebGPU adapter: ${name} (${kind})`);
    for (const limit of LIMITS) console.error(`  ${limit}: ${device.limits[limit]}`);
    console.error(`  features: ${requiredFeatures.join(", ") || "none"}`);
  }
  return gpu;
}

/** One device, and what is recorded for it. Several can live side by side. */
export class Gpu extends GpuContext {
  #profile: Profile | undefined;

  /** Where the scopes of new recorders are timed; undefined before {@linkcode startProfile}. */
  get profile(): Profile | undefined {
    return this.#profile;
  }

  /** Times the scopes of all recorders made from now on; undefined where the device has no timestamps. */
  startProfile(): Profile | undefined {
    if (this.features.timestampQuery) this.#profile ??= new Profile(this);
    return this.#profile;
  }

  /** Starts recording commands that will be submitted together. */
  record(label = "commands"): Recorder {
    return new Recorder(this, { label, profile: this.#profile });
  }

  /** Reads tensors in one submission of their own; see {@linkcode Recorder.read}. */
  async read<Type extends DataType>(tensor: Tensor<Type>): Promise<ValuesOf<Type>> {
    const [values] = await this.record("read").read(tensor);
    return values;
  }
}
