import { uniformsReference } from "../random/philox_reference.ts";
import { uniforms } from "../random/uniforms.ts";
import { philox } from "../random/philox_reference.ts";
import type { Check } from "./check.ts";

/** Known answers of Philox 4×32-10, from the tests of Random123: counter, key, output. */
const KNOWN: readonly (readonly [number[], number[], number[]])[] = [
  [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

/** {@linkcode uniforms} against the reference, and that against the generator's known answers. */
export const uniformsCheck: Check = {
  name: "uniforms",
  async run(gpu, tally) {
    for (const [counter, key, output] of KNOWN) {
      const actual = philox(
        counter as [number, number, number, number],
        key as [number, number],
      );
      tally.same(`philox of counter ${counter} and key ${key}`, actual, output);
    }
    for (const size of [1, 2, 3, 17, 255, 257, 4099]) {
      for (const [seed, stream] of [[0, 0], [42, 7], [2 ** 53 - 1, 2 ** 32 - 1]] as const) {
        using out = gpu.empty([size]);
        const recorder = gpu.record("uniforms");
        uniforms(recorder, { seed, stream, out });
        const [read] = await recorder.read(out);
        const label = `${size} of seed ${seed}, stream ${stream}`;
        tally.same(label, read, uniformsReference(size, seed, stream));
      }
    }
  },
};
