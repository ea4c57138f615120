import { ShaderError } from "./errors.ts";
import { type ShaderInterface, shaderInterface } from "./shader_interface.ts";

/** A compute shader: its source and what is fixed when it is compiled. */
export interface ProgramSource {
  /** The name of the WGSL file, for error messages and labels. */
  readonly name: string;
  /** The WGSL source. */
  readonly code: string;
  /** The function to run; `main` if it is the only one. */
  readonly entryPoint?: string;
  /** Values of the `override` constants. */
  readonly constants?: Readonly<Record<string, number>>;
}

/** A compiled compute shader. */
export interface Program {
  /** The name of the WGSL file. */
  readonly name: string;
  /** The compiled pipeline. */
  readonly pipeline: GPUComputePipeline;
  /** The layout of its one bind group. */
  readonly layout: GPUBindGroupLayout;
  /**
   * What it binds, by name.
   *
   * @ignore
   */
  readonly interface: ShaderInterface;
}

/** Compiles shaders of one device, each only once for the same source and constants. */
export class ProgramCache {
  #device: GPUDevice;
  #modules = new Map<string, GPUShaderModule>();
  /** By all but the source, whose whole text would have to be hashed at every call. */
  #programs = new Map<string, { readonly code: string; readonly program: Program }[]>();
  #checks: Promise<ShaderError | undefined>[] = [];

  /** A cache for one device. */
  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The compiled program. Errors of the source come out of {@linkcode firstError}. */
  get({ name, code, entryPoint = "main", constants = {} }: ProgramSource): Program {
    const key = `${name}\0${entryPoint}\0${JSON.stringify(constants)}`;
    const compiled = this.#programs.get(key) ?? [];
    const known = compiled.find((one) => one.code === code);
    if (known !== undefined) return known.program;
    const pipeline = this.#device.createComputePipeline({
      label: name,
      layout: "auto",
      compute: { module: this.#module(name, code), entryPoint, constants: { ...constants } },
    });
    const program = {
      name,
      pipeline,
      layout: pipeline.getBindGroupLayout(0),
      interface: shaderInterface(name, code),
    };
    this.#programs.set(key, [...compiled, { code, program }]);
    return program;
  }

  /** The first compile error of any program so far. */
  async firstError(): Promise<ShaderError | undefined> {
    const checks = this.#checks;
    this.#checks = [];
    return (await Promise.all(checks)).find((error) => error !== undefined);
  }

  #module(name: string, code: string): GPUShaderModule {
    let module = this.#modules.get(code);
    if (module === undefined) {
      module = this.#device.createShaderModule({ label: name, code });
      this.#modules.set(code, module);
      this.#checks.push(compileError(name, code, module));
    }
    return module;
  }
}

async function compileError(
  name: string,
  code: string,
  module: GPUShaderModule,
): Promise<ShaderError | undefined> {
  const { messages } = await module.getCompilationInfo();
  const error = messages.find(({ type }) => type === "error");
  if (error === undefined) return undefined;
  // The source may be several files one after the other, so the line itself is shown too.
  const line = code.split("\n")[error.lineNum - 1]?.trim() ?? "";
  const message = `${error.message.trim()}, in ${JSON.stringify(line)}`;
  return new ShaderError(name, error.lineNum, error.linePos, message);
}
