import { ByteSource } from "../../formats/byte_source.ts";
import { Allowance } from "./allowance.ts";

/** The bytes of a token dump, which may inflate as far as its allowance goes. */
export class DumpSource extends ByteSource {
  /** What the dump may take. */
  readonly allowance: Allowance = new Allowance(this);

  /** Counts the bytes in the allowance. */
  protected override countInflated(bytes: number): void {
    this.allowance.take(bytes);
  }
}
