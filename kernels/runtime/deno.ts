/** What only Deno needs: the one file of kernels/ that knows of it. */

interface DenoEnvironment {
  env: { get(name: string): string | undefined; set(name: string, value: string): void };
}

/**
 * Prepares WebGPU under Deno, before the first adapter is requested; does nothing elsewhere. OpenGL
 * adapters are left out, since they carry only half of WebGPU, and Mesa is given the folder without
 * which it prints an error that means nothing here.
 */
export function prepareDeno(): void {
  const deno = (globalThis as { Deno?: DenoEnvironment }).Deno;
  if (deno === undefined) return;
  try {
    if (deno.env.get("DENO_WEBGPU_BACKEND") === undefined) {
      deno.env.set("DENO_WEBGPU_BACKEND", "vulkan,metal,dx12");
    }
    if (deno.env.get("XDG_RUNTIME_DIR") === undefined) deno.env.set("XDG_RUNTIME_DIR", "/tmp");
  } catch {
    // Without permission for the environment its defaults must do.
  }
}
