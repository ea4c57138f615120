import type { RopeSettings } from "../../../kernels/mod.ts";
import type { ModelConfig } from "../families.ts";

/** The rotary embedding of an architecture, as the kernels take it. */
export function ropeSettings({ head_dim, rope_theta, rope_scaling }: ModelConfig): RopeSettings {
  return {
    headSize: head_dim,
    theta: rope_theta,
    ...(rope_scaling === null ? {} : { scaling: rope_scaling }),
  };
}
