import { createHash } from "node:crypto";
import type { ModelConfig } from "./families.ts";
import type { TensorData } from "../../formats/safetensors.ts";

/** SHA-256 of a tensor's values as safetensors stores them in f32, in hexadecimal; nothing is copied. */
export function tensorDigest({ data }: TensorData): string {
  return sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** SHA-256 of each of several tensors, by name. */
export function tensorDigests(tensors: ReadonlyMap<string, TensorData>): Record<string, string> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, tensorDigest(tensor)]));
}

/** SHA-256 of plain JSON, whatever the order of its keys, in hexadecimal. */
export function jsonDigest(value: unknown): string {
  return sha256(
    JSON.stringify(
      value,
      (_, part) =>
        typeof part === "object" && part !== null && !Array.isArray(part)
          ? Object.fromEntries(
            Object.entries(part).sort(([left], [right]) => left < right ? -1 : 1),
          )
          : part,
    ),
  );
}

/** SHA-256 that tells a model from any other: of its configuration and its parameters' names and values. */
export function modelDigest(
  config: ModelConfig,
  parameters: ReadonlyMap<string, TensorData>,
): string {
  return jsonDigest({ config, parameters: tensorDigests(parameters) });
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
