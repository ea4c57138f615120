/** An error of the GPU or of a call to it; the message is one sentence for the user. */
export class GpuError extends Error {
  /** The class, as `Error.name`. */
  override name = "GpuError";
}

/** No adapter, or none of the name that was asked for. */
export class NoAdapterError extends GpuError {
  /** The class, as `Error.name`. */
  override name = "NoAdapterError";
}

/** The device was lost: reset, unplugged, out of memory, or destroyed. Nothing on it can be saved. */
export class DeviceLostError extends GpuError {
  /** The class, as `Error.name`. */
  override name = "DeviceLostError";
}

/** A shader that does not compile. */
export class ShaderError extends GpuError {
  /** The class, as `Error.name`. */
  override name = "ShaderError";
  /** Line in the WGSL source, from 1. */
  readonly line: number;
  /** Column in that line, from 1. */
  readonly column: number;

  /** An error at a place of the source that `program` names. */
  constructor(program: string, line: number, column: number, message: string) {
    super(`${program}.wgsl:${line}:${column}: ${message}`);
    this.line = line;
    this.column = column;
  }
}

/** A tensor of a wrong shape, type or size, or a number out of its range. */
export class ShapeError extends GpuError {
  /** The class, as `Error.name`. */
  override name = "ShapeError";
}
